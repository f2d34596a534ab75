// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/show_record.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

#include "core/formats/sacct_text.hpp"
#include "core/formats/utf8.hpp"
#include "core/sys/child.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

/// A large array's comments; each is bounded by what slurmdbd itself takes.
constexpr std::size_t kOutputBytes = 64U << 20;
constexpr std::size_t kShownError = 500;

/// Nobody who named a job or wrote a comment could know it.
Result<std::string> draw_delimiter() {
    std::array<unsigned char, 16> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return sys::fail_errno(Code::system, "cannot draw a random number");
    }
    std::string delimiter = "|";
    for (const unsigned char byte : bytes) {
        delimiter += fmt::format("{:02x}", byte);
    }
    return delimiter + "|";
}

/// The first line of what sacct said, for a message of one line.
std::string first_line(std::string_view text) {
    text = text.substr(0, text.find('\n'));
    return formats::printable(formats::utf8_prefix(text, kShownError));
}

}  // namespace

Result<std::vector<record::JobReport>> load_job_reports(
    const std::string& job, const std::vector<std::string>& environment) {
    const formats::JobArgument argument = TRY(formats::parse_job_argument(job));
    const std::string delimiter = TRY(draw_delimiter());
    sys::ChildSpec spec;
    spec.program = TRY(sys::find_program("sacct", "slurm-client"));
    spec.arguments = {"--noheader",
                      "--parsable",
                      "--allocations",
                      "--delimiter=" + delimiter,
                      "--format=" + formats::sacct_format(),
                      "--jobs=" + argument.job};
    spec.environment = environment;
    const sys::ChildOutput answer = TRY(sys::run_child(spec, kOutputBytes));
    if (answer.status != 0) {
        return fail(
            Code::system,
            fmt::format("sacct failed (status {}): {}", answer.status, first_line(answer.error)),
            "the record is in Slurm's accounting: this host needs its configuration and a "
            "running slurmdbd");
    }
    const std::vector<formats::AccountedJob> jobs =
        TRY(formats::parse_sacct(answer.output, delimiter));
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
