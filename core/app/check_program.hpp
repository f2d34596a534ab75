// SPDX-License-Identifier: BSD-3-Clause
/// Can the step's command run in this root?  Asked once a node, before any task starts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::app {

struct ProgramQuestion {
    std::string command;            ///< argv[0] as Slurm was given it
    std::string path;               ///< the task's PATH
    std::string host_path;          ///< the job's PATH on the host, to say where it is there
    std::string working_directory;  ///< for a command with a slash that is not absolute
    std::string architecture;       ///< this node's, as GOARCH names it
    std::string image;              ///< for the message
};

/// Looks the command up inside `root` (a directory descriptor) with the caller's rights: its path
/// there, or nothing where each task has its own (srun --multi-prog).  Errors: not found (and where
/// the host has it), not executable, another architecture, or a script whose interpreter the image
/// lacks.
Result<std::string> check_program(int root, const ProgramQuestion& question);

/// srun --multi-prog: Slurm passes its file's text as the only argument, and each task's command
/// is known to Slurm alone.
bool is_multi_prog(const std::vector<std::string>& argv);

}  // namespace lading::app
