// SPDX-License-Identifier: BSD-3-Clause
/// Names of archive members: hostile text that becomes a path inside an image.
#pragma once

#include <string>
#include <string_view>

#include "lading/result.hpp"

namespace lading::formats {

inline constexpr std::size_t kMaxPathBytes = 4095;  ///< what PATH_MAX leaves
inline constexpr std::size_t kMaxNameBytes = 255;   ///< NAME_MAX, and squashfs's own bound is 256
inline constexpr std::size_t kMaxPathDepth = 256;   ///< deeper trees are attacks on recursion

/// `./usr//bin/` and `/usr/bin` become `usr/bin`; `.` becomes the empty path of the root.
/// Code::bad_image for `..`, NUL, and what exceeds the bounds.
Result<std::string> normalise_member_path(std::string_view name);

/// Is `path` what normalise_member_path() returns?
bool is_member_path(std::string_view path);

/// A name as a message shows it: nothing that a terminal would obey, long ones cut.
std::string shown_name(std::string_view name);

/// May an image carry this extended attribute?  `user.*`, but not what overlayfs takes for its
/// own commands, and file capabilities, which nosuid makes inert.
bool is_kept_xattr(std::string_view name);

}  // namespace lading::formats
