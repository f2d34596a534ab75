// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/utc_time.hpp"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace lading::formats {
namespace {

constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";

struct Unit {
    char letter;
    const char* name;
    std::int64_t seconds;
};
constexpr Unit kUnits[] = {
    {'w', "week", 7 * 86400}, {'d', "day", 86400}, {'h', "hour", 3600},
    {'m', "minute", 60},      {'s', "second", 1},
};

bool has_shape(std::string_view text) {
    if (text.size() != kShape.size()) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) {
            return false;
        }
    }
    return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
}

}  // namespace

std::optional<std::int64_t> parse_utc_time(std::string_view text) {
    if (text.ends_with('Z')) {
        text.remove_suffix(1);
    }
    if (!has_shape(text)) {
        return {};
    }
    std::tm utc{};
    utc.tm_year = number_at(text, 0, 4) - 1900;
    utc.tm_mon = number_at(text, 5, 2) - 1;
    utc.tm_mday = number_at(text, 8, 2);
    utc.tm_hour = number_at(text, 11, 2);
    utc.tm_min = number_at(text, 14, 2);
    utc.tm_sec = number_at(text, 17, 2);
    if (utc.tm_mon < 0 || utc.tm_mon > 11 || utc.tm_mday < 1 || utc.tm_mday > 31 ||
        utc.tm_hour > 23 || utc.tm_min > 59 || utc.tm_sec > 60) {
        return {};
    }
    return static_cast<std::int64_t>(timegm(&utc));
}

std::string format_utc_time(std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm utc{};
    char text[sizeof "1970-01-01T00:00:00Z"] = "";
    if (gmtime_r(&time, &utc) == nullptr ||
        std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        return "1970-01-01T00:00:00Z";  // a year beyond 9999
    }
    return text;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    constexpr std::int64_t kMost = 1'000'000;
    if (error != std::errc{} || value < 0 || value > kMost) {
        return {};
    }
    if (rest.empty() && value == 0) {
        return 0;
    }
    for (const Unit& unit : kUnits) {
        if (rest.size() == 1 && rest.front() == unit.letter) {
            return value * unit.seconds;
        }
    }
    return {};
}

std::string human_duration(std::int64_t seconds) {
    for (const Unit& unit : kUnits) {
        if (const std::int64_t count = seconds / unit.seconds; count >= 1) {
            return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
        }
    }
    return "0 seconds";
}

}  // namespace lading::formats
