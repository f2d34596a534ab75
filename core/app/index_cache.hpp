// SPDX-License-Identifier: BSD-3-Clause
/// Indexes of images that were never imported, in their users' ~/.cache/lading/indexes.  A squashfs
/// file is known by device, inode, size and times; with a directory's index lies what everything
/// below it was (tree_stamps.hpp).
#pragma once

#include <string>
#include <string_view>

#include "core/sys/fd.hpp"
#include "lading/host.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Where the index of this open file or directory belongs; empty for a user without a home.
std::string cached_index_path(const std::string& home, int file);

/// The kept index, if the caller owns it; else no descriptor.
sys::Fd open_cached_index(const std::string& path);

/// Keeps an index as the caller, whole or not at all; those that were kept longest ago go.
Result<> keep_index(const std::string& path, std::string_view bytes);

/// The same by a child that is the user; waits for it, some seconds at most.
void keep_index_as(const User& user, const std::string& path, std::string_view bytes);

}  // namespace lading::app
