// SPDX-License-Identifier: BSD-3-Clause
/// The written form of a mount; parse_mounts() is declared in lading/request.hpp.
#pragma once

#include <string>

#include "lading/request.hpp"

namespace lading::formats {

/// `SRC:DST:ro` or `SRC:DST:rw`, with backslashes before what would end a part:
/// parse_mounts(format_mount(m)) == {m}.
std::string format_mount(const MountRequest& mount);

}  // namespace lading::formats
