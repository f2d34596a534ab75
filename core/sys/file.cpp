// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace lading::sys {

tl::unexpected<Error> fail_errno(Code code, std::string_view what, std::string hint) {
    const int number = errno;
    return fail(code, fmt::format("{}: {}", what, strerrordesc_np(number)), std::move(hint));
}

std::string read_start(int fd, std::size_t limit) {
    std::string bytes(limit, '\0');
    ssize_t got = -1;
    do {
        got = pread(fd, bytes.data(), bytes.size(), 0);
    } while (got < 0 && errno == EINTR);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
}

Result<std::string> read_all(int fd, std::size_t limit, std::string_view name) {
    struct stat status {};
    if (fstat(fd, &status) != 0) {
        return fail_errno(Code::system, fmt::format("cannot read {}", name));
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(Code::refused, fmt::format("{} is not a regular file", name));
    }
    std::string bytes;
    std::size_t room = std::min(limit, static_cast<std::size_t>(status.st_size)) + 1;
    for (;;) {
        const std::size_t filled = bytes.size();
        bytes.resize(filled + room);
        const ssize_t got = read(fd, bytes.data() + filled, room);
        if (got < 0 && errno == EINTR) {
            bytes.resize(filled);
            continue;
        }
        if (got < 0) {
            return fail_errno(Code::system, fmt::format("cannot read {}", name));
        }
        bytes.resize(filled + static_cast<std::size_t>(got));
        if (bytes.size() > limit) {
            return fail(Code::refused,
                        fmt::format("{} is larger than the {} bytes allowed", name, limit));
        }
        if (got == 0) {
            return bytes;
        }
        room = std::min<std::size_t>(limit - bytes.size() + 1, 65536);
    }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd.valid()) {
        return fail_errno(errno == ENOENT ? Code::not_found : Code::system,
                          fmt::format("cannot open {}", path));
    }
    return read_all(fd.get(), limit, path);
}

Result<> write_all(int fd, std::string_view bytes, std::string_view name) {
    while (!bytes.empty()) {
        const ssize_t put = write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return fail_errno(Code::system, fmt::format("cannot write {}", name));
        }
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<> copy_extent(int from, std::uint64_t offset, std::uint64_t bytes, int to,
                     std::string_view name) {
    const auto failed = [&] {
        return fail_errno(Code::system, fmt::format("cannot copy {}", name));
    };
    const auto start = static_cast<off_t>(offset);
    const auto end = static_cast<off_t>(offset + bytes);
    if (ftruncate(to, end - start) != 0) {
        return failed();
    }
    off_t at = start;
    while (at < end) {
        at = lseek(from, at, SEEK_DATA);
        if (at < 0 && errno != ENXIO) {
            return failed();
        }
        if (at < 0 || at >= end) {
            break;
        }
        const off_t hole = std::min(lseek(from, at, SEEK_HOLE), end);
        if (hole <= at || lseek(to, at - start, SEEK_SET) < 0) {
            return failed();
        }
        // Not copy_file_range(2), which goes from one kind of file system to another since 5.19 no
        // more.
        while (at < hole) {
            if (sendfile(to, from, &at, static_cast<std::size_t>(hole - at)) <= 0) {
                return failed();
            }
        }
    }
    return {};
}

Fd open_in_root(int root, const std::string& path, int flags, unsigned mode) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return Fd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

Result<std::string> descriptor_path(int fd) {
    char path[PATH_MAX];
    const std::string link = fmt::format("/proc/self/fd/{}", fd);
    const ssize_t length = readlink(link.c_str(), path, sizeof path);
    if (length < 0) {
        return fail_errno(Code::system, fmt::format("cannot read {}", link));
    }
    return std::string(path, static_cast<std::size_t>(length));
}

}  // namespace lading::sys
