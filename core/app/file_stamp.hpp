// SPDX-License-Identifier: BSD-3-Clause
/// What tells that a file is still the one that was read.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace lading::app {

/// Numbers, since hundreds are compared at each launch.  They are kept by and for one machine.
class FileStamp {
  public:
    explicit FileStamp(const struct stat& status)
        : numbers_{status.st_dev,
                   status.st_ino,
                   status.st_mode,
                   static_cast<std::uint64_t>(status.st_size),
                   static_cast<std::uint64_t>(status.st_mtim.tv_sec),
                   static_cast<std::uint64_t>(status.st_mtim.tv_nsec),
                   static_cast<std::uint64_t>(status.st_ctim.tv_sec),
                   static_cast<std::uint64_t>(status.st_ctim.tv_nsec)} {}

    std::string_view bytes() const {
        return {reinterpret_cast<const char*>(numbers_.data()), sizeof numbers_};
    }

  private:
    std::array<std::uint64_t, 8> numbers_;
};

}  // namespace lading::app
