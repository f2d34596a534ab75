// SPDX-License-Identifier: BSD-3-Clause
/// Profiles of what this machine has, for an administrator to look at and keep.
#pragma once

#include <string>
#include <vector>

#include "lading/profile.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// What the loader's cache leads to, and what lies in the prefixes' lib and lib64.  Reads files
/// alone; nothing of them is run.
Result<std::vector<Profile>> detect_profiles(const std::vector<std::string>& prefixes);

}  // namespace lading::app
