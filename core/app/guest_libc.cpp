// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/guest_libc.hpp"

#include <fcntl.h>

#include "core/formats/elf_libc.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

constexpr std::size_t kLibcBytes = 64 << 20;

/// Where the common distributions keep it.
constexpr const char* kLibcPaths[] = {
    "/lib64/libc.so.6",
    "/usr/lib64/libc.so.6",
#if defined(__x86_64__)
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/ld-musl-x86_64.so.1",
#elif defined(__aarch64__)
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib/ld-musl-aarch64.so.1",
#endif
    "/usr/lib/libc.so.6",
    "/lib/libc.so.6",
};

}  // namespace

std::string read_in_root(int root, const std::string& path, std::size_t limit) {
    const sys::Fd fd = sys::open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return fd.valid() ? sys::read_all(fd.get(), limit, path).value_or("") : "";
}

std::string libc_path(int root) {
    for (const char* const path : kLibcPaths) {
        if (sys::open_in_root(root, path, O_PATH).valid()) {
            return path;
        }
    }
    return {};
}

std::string libc_version(int root) {
    const std::string path = libc_path(root);
    if (path.find("musl") != std::string::npos) {
        return "musl";
    }
    const auto version = formats::parse_glibc_version(read_in_root(root, path, kLibcBytes));
    return version ? "glibc " + *version : "";
}

}  // namespace lading::app
