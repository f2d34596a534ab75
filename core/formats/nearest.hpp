// SPDX-License-Identifier: BSD-3-Clause
/// The names that a mistyped one may have meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lading::formats {

/// Fewest single-character insertions, deletions, substitutions and swaps of neighbours that turn
/// one text into the other (Damerau and Levenshtein, restricted).
std::size_t edit_distance(std::string_view left, std::string_view right);

/// At most `most` of `names`, nearest first, equal ones in alphabetical order.  Names so far off
/// that the suggestion would only puzzle are left out.
std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& names, std::size_t most = 3);

}  // namespace lading::formats
