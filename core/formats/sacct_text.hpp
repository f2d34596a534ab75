// SPDX-License-Identifier: BSD-3-Clause
/// What sacct prints of jobs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

/// A job, or one of its steps, as the user names it: `12`, `12_3`, `12+1`, `12.0`, `12.batch`.
struct JobArgument {
    std::string job;
    std::optional<std::string> step;
};
Result<JobArgument> parse_job_argument(std::string_view text);

/// One job of the accounting, in Slurm's own words.
struct AccountedJob {
    std::string id;
    std::string name;
    std::string user;
    std::string state;
    std::string exit_code;
    std::string nodes;
    std::string node_list;
    std::string start;
    std::string end;
    std::string container;
    std::string admin_comment;
    bool operator==(const AccountedJob&) const = default;
};

/// The fields to ask sacct for, as its --format takes them.
std::string sacct_format();

/// Reads what `sacct --noheader --parsable --delimiter=DELIMITER` prints.
Result<std::vector<AccountedJob>> parse_sacct(std::string_view text, std::string_view delimiter);

}  // namespace lading::formats
