// SPDX-License-Identifier: BSD-3-Clause
/// Files by descriptor: reading with a bound, writing whole, opening inside a root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// The error for a failed system call: `what: strerror(errno)`.  Reads errno first.
tl::unexpected<Error> fail_errno(Code code, std::string_view what, std::string hint = {});

/// The first bytes of a file, at most `limit`; empty where it cannot be read.
std::string read_start(int fd, std::size_t limit);

/// Reads a whole regular file of at most `limit` bytes.
Result<std::string> read_all(int fd, std::size_t limit, std::string_view name);

/// Opens and reads a file by path; symbolic links are followed.
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// Writes all of `bytes`, continuing after short writes and signals.
Result<> write_all(int fd, std::string_view bytes, std::string_view name);

/// Copies `bytes` from `offset` on to the beginning of an empty file.  Holes stay holes: a file may
/// say that it is larger than any disk.
Result<> copy_extent(int from, std::uint64_t offset, std::uint64_t bytes, int to,
                     std::string_view name);

/// Opens `path` with `root` as the root directory: symbolic links, absolute ones and `..` included,
/// stay inside, and magic links are refused (openat2 with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS).
/// Returns -1 and errno, so that callers can tell a missing file from an unreadable one.
Fd open_in_root(int root, const std::string& path, int flags, unsigned mode = 0);

/// The path that the kernel gives for a descriptor (/proc/self/fd/N).
Result<std::string> descriptor_path(int fd);

}  // namespace lading::sys
