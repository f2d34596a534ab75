// SPDX-License-Identifier: BSD-3-Clause
/// Lists of directories between colons: PATH, LD_LIBRARY_PATH, RPATH.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lading::formats {

/// The directories, without empty ones.
std::vector<std::string> split_search_path(std::string_view list);

/// The same for an RPATH or RUNPATH of the ELF file at `file`: with its directory for $ORIGIN and
/// ${ORIGIN} (ld.so(8)).  Other tokens differ between distributions, and stay.
std::vector<std::string> split_run_path(std::string_view list, std::string_view file);

}  // namespace lading::formats
