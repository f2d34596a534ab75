// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace lading::sys {

/// Removes a tree beneath `parent`, never through a symbolic link.  What cannot be removed stays:
/// litter may be anything, and is tried again by the next who sweeps.
void remove_tree(int parent, const std::string& name);

}  // namespace lading::sys
