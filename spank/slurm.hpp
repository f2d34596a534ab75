// SPDX-License-Identifier: BSD-3-Clause
/// Slurm's SPANK interface, included once and rightly, and what lading reads through it.
#pragma once

#include <optional>
#include <string>
#include <vector>

// The hooks are declared outside of the header's own extern "C" block (all releases up to 26.05).
extern "C" {
#include <slurm/spank.h>
}

#include "lading/host.hpp"

namespace lading::spank {

/// The step as slurmstepd knows it.  Valid in the remote context, from init_post_opt on.
struct Step {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::uint32_t local_tasks = 1;
    StepFacts facts;
};
Step read_step(spank_t spank);

/// Steps without a task of the user's: pam_slurm_adopt's and the prolog's `extern` step.
bool is_extern_step(spank_t spank);

/// A variable of the job's environment; empty where it is not set.  Remote context only.
std::optional<std::string> job_variable(spank_t spank, const char* name);

/// Local id of the task in whose process this runs; 0 where Slurm does not say.
int local_task_id(spank_t spank);

/// SlurmdSpoolDir on this node, where slurmstepd itself listens; empty where that cannot be told.
/// Slurm's PMIx server keeps the step's files in a directory below it.  Remote context only.
std::string spool_directory();

/// How this release names the step in sacct: `batch`, `interactive`, or its number.
std::string step_name(std::uint32_t step_id);

}  // namespace lading::spank
