// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/show_record.hpp"

#include <fmt/format.h>

#include "core/app/slurm_command.hpp"
#include "core/formats/sacct_text.hpp"

namespace lading::app {
namespace {

/// slurmdbd may search a large database.
constexpr unsigned kSeconds = 300;

}  // namespace

Result<std::vector<record::JobReport>> load_job_reports(
    const std::string& job, const std::vector<std::string>& environment) {
    const formats::JobArgument argument = TRY(formats::parse_job_argument(job));
    const std::string delimiter = TRY(draw_delimiter());
    const std::vector<formats::AccountedJob> jobs = TRY(formats::parse_sacct(
        TRY(run_slurm("sacct",
                      {"--noheader", "--parsable", "--allocations", "--delimiter=" + delimiter,
                       "--format=" + formats::sacct_format(), "--jobs=" + argument.job},
                      environment, kSeconds,
                      "the record is in Slurm's accounting: this host needs its configuration and "
                      "a running slurmdbd")),
        delimiter));
    if (jobs.empty()) {
        return fail(Code::not_found, fmt::format("Slurm's accounting has no job {}", argument.job),
                    "check its number; the site may hide other users' jobs");
    }
    std::vector<record::JobReport> reports;
    tl::expected<void, Error> missing;
    for (const formats::AccountedJob& found : jobs) {
        if (auto report = record::make_job_report(found, argument.step)) {
            reports.push_back(std::move(*report));
        } else if (missing) {
            missing = tl::unexpected<Error>(std::move(report).error());
        }
    }
    if (reports.empty()) {
        return tl::unexpected<Error>(std::move(missing).error());
    }
    return reports;
}

}  // namespace lading::app
