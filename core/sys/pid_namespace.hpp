// SPDX-License-Identifier: BSD-3-Clause
/// A PID namespace for one task, which Slurm goes on seeing as the process that it started.
#pragma once

#include "lading/result.hpp"

namespace lading::sys {

/// After unshare(CLONE_NEWPID): returns in a new process, with PID 2 of the namespace.  PID 1
/// reaps what the program leaves; the calling process stays outside, passes on every signal that
/// can be caught, and ends as the program ended, by the same signal or with the same status.
Result<> fork_into_pid_namespace();

}  // namespace lading::sys
