// SPDX-License-Identifier: BSD-3-Clause
/// Names of environment variables; parse_environment_names() is declared in lading/request.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lading::formats {

/// Letters, digits and `_`, not beginning with a digit (POSIX.1-2017, 8.1): what every shell can
/// pass on.
bool is_environment_name(std::string_view text);

/// The value of a variable among `NAME=value` entries; empty where there is none.
std::string environment_value(const std::vector<std::string>& entries, std::string_view name);

}  // namespace lading::formats
