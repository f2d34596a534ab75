// SPDX-License-Identifier: BSD-3-Clause
/// The use case of `lading record`: from a job's number to what ran in it.
#pragma once

#include <string>
#include <vector>

#include "core/record/job_report.hpp"

namespace lading::app {

/// Asks sacct, as the caller, for the job: several reports where it is an array or a heterogeneous
/// job.  `environment` is what sacct gets of the caller's (SLURM_CONF, TZ).  Code::not_found where
/// Slurm does not know the job, or none of its records is there.
Result<std::vector<record::JobReport>> load_job_reports(
    const std::string& job, const std::vector<std::string>& environment);

}  // namespace lading::app
