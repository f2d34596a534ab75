// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/slurm_command.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "core/formats/utf8.hpp"
#include "core/sys/child.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

/// A large queue's, or a large array's comments; each is bounded by what Slurm itself takes.
constexpr std::size_t kOutputBytes = 256U << 20;
constexpr std::size_t kShownError = 500;
constexpr int kTimedOut = 124;  // of timeout(1)

/// The first line of what a tool said, for a message of one line.
std::string first_line(std::string_view text) {
    text = text.substr(0, text.find('\n'));
    return formats::printable(formats::utf8_prefix(text, kShownError));
}

/// Slurm's tools look for a missing slurm.conf for a minute before they say so.
Result<> check_configuration(const std::vector<std::string>& environment) {
    constexpr std::string_view kVariable = "SLURM_CONF=";
    for (const std::string& entry : environment) {
        if (entry.starts_with(kVariable) && access(entry.c_str() + kVariable.size(), R_OK) != 0) {
            return sys::fail_errno(Code::system, fmt::format("cannot read Slurm's configuration {}",
                                                             entry.substr(kVariable.size())));
        }
    }
    return {};
}

}  // namespace

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

Result<std::string> run_slurm(const std::string& program, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& environment, unsigned seconds,
                              const std::string& hint) {
    TRY(check_configuration(environment));
    sys::ChildSpec spec;
    spec.program = TRY(sys::find_program("timeout", "coreutils"));
    spec.arguments = {"--kill-after=2", std::to_string(seconds),
                      TRY(sys::find_program(program, "slurm-client"))};
    spec.arguments.insert(spec.arguments.end(), arguments.begin(), arguments.end());
    spec.environment = environment;
    sys::ChildOutput answer = TRY(sys::run_child(spec, kOutputBytes));
    if (answer.status == kTimedOut || answer.status == 128 + SIGKILL) {
        return fail(Code::system, fmt::format("{} gave no answer in {} s", program, seconds), hint);
    }
    if (answer.status != 0) {
        return fail(Code::system,
                    fmt::format("{} failed (status {}): {}", program, answer.status,
                                first_line(answer.error)),
                    hint);
    }
    return std::move(answer.output);
}

Result<std::vector<formats::QueuedJob>> load_queue(const std::vector<std::string>& environment,
                                                   unsigned seconds) {
    const std::string delimiter = TRY(draw_delimiter());
    std::vector<std::string> in_utc = environment;
    std::erase_if(in_utc, [](const std::string& entry) { return entry.starts_with("TZ="); });
    in_utc.emplace_back("TZ=UTC");
    return formats::parse_squeue(
        TRY(run_slurm("squeue",
                      {"--noheader", "--all", "--states=all",
                       "--Format=" + formats::squeue_format(delimiter)},
                      in_utc, seconds, "this host needs Slurm's configuration and its slurmctld")),
        delimiter);
}

Result<> check_sees_all_jobs(const std::vector<std::string>& environment, unsigned seconds) {
    const formats::SlurmPrivacy privacy = formats::parse_slurm_privacy(
        TRY(run_slurm("scontrol", {"show", "config"}, environment, seconds,
                      "this host needs Slurm's configuration and its slurmctld")));
    const bool manager =
        geteuid() == 0 || privacy.slurm_user.ends_with(fmt::format("({})", geteuid()));
    if (privacy.jobs_hidden && !manager) {
        return fail(Code::refused, "Slurm shows you no jobs but your own (PrivateData=jobs)",
                    "run it as root or as Slurm's own user");
    }
    return {};
}

}  // namespace lading::app
