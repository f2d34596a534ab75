// SPDX-License-Identifier: BSD-3-Clause
/// Environment files that are shell scripts, read as far as they are lists of assignments.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lading::formats {

/// Adds what the script's leading lines assign: `export NAME=value`, `NAME=value`, with the shell's
/// quotes, `${NAME:-value}`, and `$NAME` of what `variables` already has.  Ends at the first line
/// that says more than that, since what it does to later ones is for a shell to know; nothing is
/// run.
void add_shell_exports(std::string_view script, std::map<std::string, std::string>& variables);

}  // namespace lading::formats
