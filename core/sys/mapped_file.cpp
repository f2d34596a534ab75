// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/mapped_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

namespace lading::sys {

Result<MappedFile> MappedFile::open(int fd, std::string_view name) {
    struct stat status {};
    if (fstat(fd, &status) != 0) {
        return fail_errno(Code::system, fmt::format("cannot read {}", name));
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(Code::bad_image, fmt::format("{} is not a regular file", name));
    }
    if (status.st_size == 0) {
        return MappedFile();
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) {
        return fail_errno(Code::system, fmt::format("cannot read {}", name));
    }
    return MappedFile(std::string_view(static_cast<const char*>(at), size));
}

Result<MappedFile> MappedFile::open(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd.valid()) {
        return fail_errno(Code::not_found, fmt::format("cannot open {}", path));
    }
    return open(fd.get(), path);
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) {
        munmap(const_cast<char*>(bytes_.data()), bytes_.size());
    }
}

}  // namespace lading::sys
