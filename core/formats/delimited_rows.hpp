// SPDX-License-Identifier: BSD-3-Clause
/// What Slurm's tools print with a delimiter behind every field.  Names, comments and container
/// texts may hold any byte, newlines and `|` included; but nobody can have put a delimiter there
/// that was drawn after he wrote.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

/// `program` and `columns` are for messages, and say how many fields a row has.
Result<std::vector<std::vector<std::string>>> parse_delimited_rows(
    std::string_view text, std::string_view delimiter, std::string_view program,
    const std::vector<std::string_view>& columns);

}  // namespace lading::formats
