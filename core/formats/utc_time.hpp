// SPDX-License-Identifier: BSD-3-Clause
/// Times as `2026-11-23T11:59:15Z` (RFC 3339, in UTC).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lading::formats {

/// Seconds since 1970; the `Z` may be missing, as Slurm's tools leave it out.
std::optional<std::int64_t> parse_utc_time(std::string_view text);
std::string format_utc_time(std::int64_t seconds);

/// `12h`, `1d`, `0`: a number and one of s, m, h, d, w.
std::optional<std::int64_t> parse_duration(std::string_view text);

/// In the largest unit of which there is one: `90 seconds` are `1 minute`.
std::string human_duration(std::int64_t seconds);

}  // namespace lading::formats
