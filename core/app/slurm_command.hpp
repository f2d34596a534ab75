// SPDX-License-Identifier: BSD-3-Clause
/// Asking Slurm by its own tools, as the caller.
#pragma once

#include <string>
#include <vector>

#include "core/formats/squeue_text.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Between the fields that a tool prints: nobody who named a job or wrote a comment could know it.
Result<std::string> draw_delimiter();

/// What a tool prints within so many seconds.  `environment` is all that it gets of the caller's.
Result<std::string> run_slurm(const std::string& program, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& environment, unsigned seconds,
                              const std::string& hint);

/// Every job that slurmctld knows.
Result<std::vector<formats::QueuedJob>> load_queue(const std::vector<std::string>& environment,
                                                   unsigned seconds);

/// Code::refused where Slurm would show the caller no jobs but his own.
Result<> check_sees_all_jobs(const std::vector<std::string>& environment, unsigned seconds);

}  // namespace lading::app
