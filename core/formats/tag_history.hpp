// SPDX-License-Identifier: BSD-3-Clause
/// Which image a tag named, and when: lines `RFC3339 DIGEST`, or `RFC3339 -` where it was removed.
///
/// A job waits with the digest that its tag had when it was submitted.  Slurm knows the tag and the
/// time, this knows the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

struct TagEvent {
    std::int64_t time = 0;  ///< seconds since 1970
    std::string digest;     ///< what the tag names from now on; empty: it is gone
    bool operator==(const TagEvent&) const = default;
};

/// The oldest first.
using TagHistory = std::vector<TagEvent>;

/// More events of one tag than anybody's jobs wait for; the oldest are forgotten beyond.
inline constexpr std::size_t kMaxTagEvents = 2000;
inline constexpr std::size_t kTagHistoryBytes = 256U << 10;

Result<TagHistory> parse_tag_history(std::string_view text);
std::string format_tag_history(const TagHistory& history);

/// Adds an event, unless it says what the last one says.
void add_event(TagHistory& history, TagEvent event);

/// Every digest that the tag had at some time between the two.  A time before all that is known
/// gives all of them.
std::set<std::string> digests_between(const TagHistory& history, std::int64_t from,
                                      std::int64_t until);

/// When the tag last turned from this digest to something else; none where it never did, or names
/// it still.
std::optional<std::int64_t> left_at(const TagHistory& history, const std::string& digest);

/// The history of the images that are `known`: others become gaps, and gaps at the beginning go.
TagHistory prune_history(const TagHistory& history, const std::set<std::string>& known);

}  // namespace lading::formats
