// SPDX-License-Identifier: BSD-3-Clause
/// A file's bytes in place: libraries have up to hundreds of megabytes, of which few are read.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "lading/result.hpp"

namespace lading::sys {

class MappedFile {
  public:
    MappedFile() = default;
    /// A regular file, read-only and private.  Whoever truncates it while it is mapped kills the
    /// reader by SIGBUS: for processes that have nothing to lose.
    static Result<MappedFile> open(int fd, std::string_view name);
    static Result<MappedFile> open(const std::string& path);

    MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    MappedFile& operator=(MappedFile&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~MappedFile();

    std::string_view bytes() const { return bytes_; }

  private:
    explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
    std::string_view bytes_;
};

}  // namespace lading::sys
