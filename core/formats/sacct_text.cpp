// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/sacct_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/formats/caret.hpp"
#include "core/formats/delimited_rows.hpp"

namespace lading::formats {
namespace {

struct Column {
    const char* name;
    std::string AccountedJob::*member;
};

constexpr Column kColumns[] = {
    {"JobID", &AccountedJob::id},
    {"JobName", &AccountedJob::name},
    {"User", &AccountedJob::user},
    {"State", &AccountedJob::state},
    {"ExitCode", &AccountedJob::exit_code},
    {"NNodes", &AccountedJob::nodes},
    {"NodeList", &AccountedJob::node_list},
    {"Start", &AccountedJob::start},
    {"End", &AccountedJob::end},
    {"Container", &AccountedJob::container},
    {"AdminComment", &AccountedJob::admin_comment},
};

constexpr std::size_t kMaxDigits = 10;

/// Digits from `at` on; moves `at` behind them.
bool skip_number(std::string_view text, std::size_t& at) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    const std::size_t digits = end - at;
    at = end;
    return digits > 0 && digits <= kMaxDigits;
}

bool is_step(std::string_view text) {
    std::size_t at = 0;
    return text == "batch" || text == "interactive" || text == "extern" ||
           (skip_number(text, at) && at == text.size());
}

}  // namespace

Result<JobArgument> parse_job_argument(std::string_view text) {
    const auto refuse = [&](std::size_t at, std::string what) {
        return fail_at("job", text, {at, std::move(what)},
                       "write JOBID, JOBID_TASK, JOBID+COMPONENT, or one of them and .STEP");
    };
    std::size_t at = 0;
    if (!skip_number(text, at)) {
        return refuse(0, "expected a job's number");
    }
    for (const char mark : {'_', '+'}) {
        if (at < text.size() && text[at] == mark) {
            const std::size_t begin = ++at;
            if (!skip_number(text, at)) {
                return refuse(begin, "expected a number");
            }
        }
    }
    JobArgument argument{std::string(text.substr(0, at)), {}};
    if (at == text.size()) {
        return argument;
    }
    if (text[at] != '.') {
        return refuse(at, "not part of a job's number");
    }
    const std::string_view step = text.substr(at + 1);
    if (!is_step(step)) {
        return refuse(at + 1, "expected a step: a number, batch, or interactive");
    }
    argument.step = step;
    return argument;
}

std::string sacct_format() {
    std::string format;
    for (const Column& column : kColumns) {
        format += (format.empty() ? "" : ",") + std::string(column.name);
    }
    return format;
}

Result<std::vector<AccountedJob>> parse_sacct(std::string_view text, std::string_view delimiter) {
    std::vector<std::string_view> names;
    for (const Column& column : kColumns) {
        names.emplace_back(column.name);
    }
    std::vector<AccountedJob> jobs;
    for (std::vector<std::string>& row :
         TRY(parse_delimited_rows(text, delimiter, "sacct", names))) {
        AccountedJob& job = jobs.emplace_back();
        for (std::size_t i = 0; i < row.size(); ++i) {
            job.*kColumns[i].member = std::move(row[i]);
        }
    }
    return jobs;
}

}  // namespace lading::formats
