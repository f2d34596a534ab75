// SPDX-License-Identifier: BSD-3-Clause
/// A job's record beside what Slurm says of the job, for people and for programs.
#pragma once

#include <optional>
#include <string>

#include "core/formats/sacct_text.hpp"
#include "lading/record.hpp"

namespace lading::record {

struct JobReport {
    formats::AccountedJob job;
    JobRecord record;
};

/// The report from the job's AdminComment, of the whole job or of one step.  Code::not_found where
/// there is no record, or the step is not in it.
Result<JobReport> make_job_report(const formats::AccountedJob& job,
                                  const std::optional<std::string>& step);

/// A page of text; nothing in it can move the terminal's cursor.
std::string to_page(const JobReport& report);

/// One JSON object and a newline.
std::string to_json(const JobReport& report);

}  // namespace lading::record
