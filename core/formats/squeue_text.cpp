// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/squeue_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "core/formats/delimited_rows.hpp"
#include "core/formats/utc_time.hpp"

namespace lading::formats {
namespace {

constexpr std::string_view kColumns[] = {"JobArrayID", "UserName",  "State",        "SubmitTime",
                                         "RestartCnt", "Container", "admin_comment"};

constexpr std::string_view kEnded[] = {"BOOT_FAIL",     "CANCELLED", "COMPLETED", "DEADLINE",
                                       "FAILED",        "NODE_FAIL", "PREEMPTED", "REVOKED",
                                       "OUT_OF_MEMORY", "TIMEOUT"};

std::string text_of(std::string&& field) {
    return field == "(null)" ? std::string() : std::move(field);
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    return begin == std::string_view::npos
               ? std::string_view()
               : text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

}  // namespace

std::string squeue_format(std::string_view delimiter) {
    std::string format;
    for (const std::string_view column : kColumns) {
        format += fmt::format("{}{}:{}", format.empty() ? "" : ",", column, delimiter);
    }
    return format;
}

Result<std::vector<QueuedJob>> parse_squeue(std::string_view text, std::string_view delimiter) {
    std::vector<QueuedJob> jobs;
    for (std::vector<std::string>& row : TRY(parse_delimited_rows(
             text, delimiter, "squeue", {std::begin(kColumns), std::end(kColumns)}))) {
        QueuedJob& job = jobs.emplace_back();
        job.id = std::move(row[0]);
        job.user = std::move(row[1]);
        job.state = std::move(row[2]);
        job.submitted = parse_utc_time(row[3]);
        const char* const end = row[4].data() + row[4].size();
        if (std::from_chars(row[4].data(), end, job.restarts).ptr != end) {
            job.restarts = 1;  // who cannot tell keeps more
        }
        job.container = text_of(std::move(row[5]));
        job.admin_comment = text_of(std::move(row[6]));
    }
    return jobs;
}

bool has_ended(std::string_view state) {
    return std::ranges::find(kEnded, state) != std::end(kEnded);
}

SlurmPrivacy parse_slurm_privacy(std::string_view config) {
    SlurmPrivacy privacy;
    while (!config.empty()) {
        const std::string_view line = config.substr(0, config.find('\n'));
        config.remove_prefix(std::min(line.size() + 1, config.size()));
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            continue;
        }
        const std::string_view name = trimmed(line.substr(0, equals));
        const std::string_view value = trimmed(line.substr(equals + 1));
        if (name == "SlurmUser") {
            privacy.slurm_user = value;
        } else if (name == "PrivateData") {
            for (std::size_t at = 0; at < value.size();) {
                const std::size_t end = std::min(value.find(',', at), value.size());
                privacy.jobs_hidden = privacy.jobs_hidden || value.substr(at, end - at) == "jobs" ||
                                      value.substr(at, end - at) == "all";
                at = end + 1;
            }
        }
    }
    return privacy;
}

}  // namespace lading::formats
