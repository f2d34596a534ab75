// SPDX-License-Identifier: BSD-3-Clause
/// The C library of a mounted root.
#pragma once

#include <string>

namespace lading::app {

/// Where it lies in `root` (a directory descriptor): the file of libc itself, or musl's loader,
/// which is the same.  Empty where it is at none of the usual places.
std::string libc_path(int root);

/// `glibc 2.36`, `musl`, or empty.  Reads the file: for whoever may read hostile bytes.
std::string libc_version(int root);

/// A file of the root, or nothing: images need not have any.
std::string read_in_root(int root, const std::string& path, std::size_t limit);

}  // namespace lading::app
