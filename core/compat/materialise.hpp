// SPDX-License-Identifier: BSD-3-Clause
/// From what was selected to files, places and variables.
#pragma once

#include <string>
#include <vector>

#include "core/compat/selection.hpp"

namespace lading::compat {

/// Fills in `injection`'s files, kept files, mounts, variables and libc.
void materialise(const Question& question, const Loader& loader,
                 const std::vector<const Stack*>& stacks, const Selection& selection,
                 Injection& injection);

/// `2.36`; empty where the image has no glibc.
std::string image_glibc(const Question& question, const Loader& loader);

/// `glibc 2.36`, `musl`, or `none`: for people.
std::string image_libc(const Question& question, const Loader& loader);

}  // namespace lading::compat
