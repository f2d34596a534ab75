// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/warm_program.hpp"

#include <fcntl.h>

#include "core/app/guest_libc.hpp"
#include "core/formats/elf_libc.hpp"
#include "core/formats/script.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

/// A program's beginning; what is larger than this is read as it runs.
constexpr off_t kBytes = 4 << 20;
/// Holds the program headers and the interpreter's name, which linkers put right behind them.
constexpr std::size_t kHeadBytes = 4096;
/// A script, its interpreter, and that one's loader.
constexpr int kDepth = 3;

/// Returns the file's start.
std::string read_ahead(int root, const std::string& path) {
    const sys::Fd fd = sys::open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    posix_fadvise(fd.get(), 0, kBytes, POSIX_FADV_WILLNEED);
    return sys::read_start(fd.get(), kHeadBytes);
}

}  // namespace

void warm_program(int root, const std::string& program) {
    std::string path = program;
    for (int i = 0; i < kDepth && path.starts_with('/'); ++i) {
        const std::string head = read_ahead(root, path);
        path = head.starts_with("#!") ? formats::script_interpreter(head)
                                      : formats::elf_interpreter(head);
    }
    read_ahead(root, libc_path(root));
}

}  // namespace lading::app
