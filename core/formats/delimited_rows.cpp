// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/delimited_rows.hpp"

#include <fmt/format.h>

namespace lading::formats {

Result<std::vector<std::vector<std::string>>> parse_delimited_rows(
    std::string_view text, std::string_view delimiter, std::string_view program,
    const std::vector<std::string_view>& columns) {
    if (delimiter.empty()) {
        return fail(Code::internal, fmt::format("fields of {} need a delimiter", program));
    }
    std::vector<std::vector<std::string>> rows;
    while (!text.empty()) {
        std::vector<std::string> row;
        for (const std::string_view column : columns) {
            const std::size_t end = text.find(delimiter);
            if (end == std::string_view::npos) {
                return fail(Code::system,
                            fmt::format("cannot understand what {} prints: job {} ends before "
                                        "its {}",
                                        program, rows.size() + 1, column),
                            fmt::format("{} of Slurm 21.08 or later is needed", program));
            }
            row.emplace_back(text.substr(0, end));
            text.remove_prefix(end + delimiter.size());
        }
        if (!text.starts_with('\n')) {
            return fail(Code::system, fmt::format("cannot understand what {} prints: it prints "
                                                  "more fields than it was asked for",
                                                  program));
        }
        text.remove_prefix(1);
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace lading::formats
