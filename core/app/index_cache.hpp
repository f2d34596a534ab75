// SPDX-License-Identifier: BSD-3-Clause
/// Indexes of squashfs files that were never imported, in their users' ~/.cache/lading/indexes.  A
/// file is known by device, inode, size and times; directories have nothing like it, and are read
/// each time.
#pragma once

#include <string>
#include <string_view>

#include "core/sys/fd.hpp"
#include "lading/host.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Where the index of this open file belongs; empty for a user without a home.
std::string cached_index_path(const std::string& home, int file);

/// The kept index, if the caller owns it; else no descriptor.
sys::Fd open_cached_index(const std::string& path);

/// Keeps an index as the caller, whole or not at all; those that were kept longest ago go.
Result<> keep_index(const std::string& path, std::string_view bytes);

/// The same by a child that is the user; waits for it, some seconds at most.
void keep_index_as(const User& user, const std::string& path, std::string_view bytes);

}  // namespace lading::app
