// SPDX-License-Identifier: BSD-3-Clause
// lading record JOBID[.STEP]
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "core/app/show_record.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/slurm_environment.hpp"

namespace lading::cli {
namespace {

struct Options {
    std::string job;
    bool as_json = false;
};

Result<> run(const Options& options) {
    const std::vector<record::JobReport> reports =
        TRY(app::load_job_reports(options.job, slurm_environment()));
    const char* between = "";
    for (const record::JobReport& report : reports) {
        if (options.as_json) {
            fmt::print("{}", to_json(report));
        } else {
            fmt::print("{}{}", between, to_page(report));
            between = "\n";
        }
    }
    return {};
}

}  // namespace

void add_record_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command =
        app.add_subcommand("record", "Show what a job really ran, from Slurm's accounting");
    command->add_option("JOB", options->job, "JOBID, JOBID_TASK or JOBID+COMPONENT, and .STEP")
        ->required();
    command->add_flag("--json", options->as_json, "Print one JSON object for each job");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
