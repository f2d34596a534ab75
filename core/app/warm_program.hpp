// SPDX-License-Identifier: BSD-3-Clause
/// A freshly mounted image has nothing in memory: its first program waits, page by page, for the
/// file system to read and unpack.  Reading ahead does that beside slurmstepd's own work.
#pragma once

#include <string>

namespace lading::app {

/// Reads what `program` (a path in `root`, a directory descriptor) needs to begin: itself, the
/// interpreters that it names, and the C library.  What cannot be read is left out.
void warm_program(int root, const std::string& program);

}  // namespace lading::app
