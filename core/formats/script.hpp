// SPDX-License-Identifier: BSD-3-Clause
/// The first line of a script.
#pragma once

#include <string>
#include <string_view>

namespace lading::formats {

/// The program that a script's `#!` line names (execve(2), "Interpreter scripts"); empty for what
/// is no script or names none.
std::string script_interpreter(std::string_view start);

/// What a script is run by in the end: for `#!/usr/bin/env python3` the usual place of what env
/// looks up, /usr/bin/python3; else its interpreter.
std::string script_program(std::string_view start);

}  // namespace lading::formats
