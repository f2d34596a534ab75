// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <set>

#include "core/formats/utf8.hpp"

namespace lading::record {
namespace {

constexpr std::size_t kNameBytes = 32;
constexpr std::size_t kNames = 8;
/// Five times the steps that a job may have (MaxStepCount, 40000 unless a site says otherwise).
constexpr std::uint64_t kMaxSteps = 200'000;

/// As Slurm prints it: no sign, no leading zero.
std::optional<std::uint32_t> read_number(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() ||
        (text.size() > 1 && text.front() == '0')) {
        return {};
    }
    return number;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kNameBytes && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '+' || c == '.';
    });
}

/// A name whose text would be read back as something else, such as `0-5`.
bool looks_like_range(std::string_view text) {
    return text.find_first_not_of("0123456789-") == std::string_view::npos;
}

tl::unexpected<Error> refuse(std::string_view part) {
    return fail(Code::usage,
                fmt::format("'{}' names no steps", formats::printable(part.substr(0, kNameBytes))));
}

}  // namespace

std::vector<std::string> sorted_steps(const std::vector<std::string>& steps) {
    std::set<std::string> names;
    std::set<std::uint32_t> numbers;
    for (const std::string& step : steps) {
        if (const auto number = read_number(step)) {
            numbers.insert(*number);
        } else if (is_name(step) && !looks_like_range(step) && names.size() < kNames) {
            names.insert(step);
        }
    }
    std::vector<std::string> sorted(names.begin(), names.end());
    std::ranges::transform(numbers, std::back_inserter(sorted),
                           [](std::uint32_t number) { return std::to_string(number); });
    return sorted;
}

std::uint32_t first_number(const std::vector<std::string>& steps) {
    std::uint32_t first = std::numeric_limits<std::uint32_t>::max();
    for (const std::string& step : steps) {
        first = std::min(first, read_number(step).value_or(first));
    }
    return first;
}

bool is_before(const std::string& step, std::uint32_t bound) {
    const auto number = read_number(step);
    return number && *number < bound;
}

std::vector<std::string> step_ranges(const std::vector<std::string>& sorted) {
    std::vector<std::string> ranges;
    for (auto step = sorted.begin(); step != sorted.end();) {
        const auto first = read_number(*step);
        if (!first) {
            ranges.push_back(*step++);
            continue;
        }
        std::uint32_t last = *first;
        for (++step; step != sorted.end() && last < std::numeric_limits<std::uint32_t>::max() &&
                     read_number(*step) == last + 1;
             ++step) {
            ++last;
        }
        ranges.push_back(last == *first ? std::to_string(last)
                                        : fmt::format("{}-{}", *first, last));
    }
    return ranges;
}

Result<std::vector<std::string>> parse_steps(std::string_view text) {
    std::vector<std::string> steps;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        const std::string_view part = text.substr(start, end - start);
        start = end + 1;
        if (!looks_like_range(part)) {
            if (!is_name(part)) {
                return refuse(part);
            }
            steps.emplace_back(part);
            continue;
        }
        const std::size_t dash = part.find('-');
        const auto first = read_number(part.substr(0, dash));
        const auto last =
            dash == std::string_view::npos ? first : read_number(part.substr(dash + 1));
        if (!first || !last || *last < *first ||
            steps.size() + std::uint64_t{*last - *first} >= kMaxSteps) {
            return refuse(part);
        }
        for (std::uint64_t number = *first; number <= *last; ++number) {
            steps.push_back(std::to_string(number));
        }
    }
    return sorted_steps(steps);
}

}  // namespace lading::record
