// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/tag_history.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/formats/utc_time.hpp"
#include "lading/image.hpp"

namespace lading::formats {
namespace {

constexpr std::string_view kRemoved = "-";

Result<TagEvent> parse_event(std::string_view line) {
    const std::size_t space = line.find(' ');
    const std::string_view what = space == std::string_view::npos ? "" : line.substr(space + 1);
    const auto time = parse_utc_time(line.substr(0, space));
    if (!time || (what != kRemoved && !is_digest(what))) {
        return fail(Code::bad_image, "it is no history of a tag");
    }
    return TagEvent{*time, what == kRemoved ? std::string() : std::string(what)};
}

}  // namespace

Result<TagHistory> parse_tag_history(std::string_view text) {
    TagHistory history;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            return fail(Code::bad_image, "it is cut short");
        }
        history.push_back(TRY(parse_event(text.substr(0, end))));
        text.remove_prefix(end + 1);
    }
    return history;
}

std::string format_tag_history(const TagHistory& history) {
    std::string text;
    for (const TagEvent& event : history) {
        text += fmt::format("{} {}\n", format_utc_time(event.time),
                            event.digest.empty() ? kRemoved : event.digest);
    }
    return text;
}

void add_event(TagHistory& history, TagEvent event) {
    if (history.empty() ? event.digest.empty() : history.back().digest == event.digest) {
        return;
    }
    history.push_back(std::move(event));
    if (history.size() > kMaxTagEvents) {
        history.erase(history.begin());
    }
}

std::set<std::string> digests_between(const TagHistory& history, std::int64_t from,
                                      std::int64_t until) {
    std::set<std::string> digests;
    const bool before_all = !history.empty() && until < history.front().time;
    for (std::size_t i = 0; i < history.size(); ++i) {
        const bool last = i + 1 == history.size();
        // A clock that was set back makes an event end before it began: then both count.
        const std::int64_t begin =
            last ? history[i].time : std::min(history[i].time, history[i + 1].time);
        const std::int64_t end = last ? INT64_MAX : std::max(history[i].time, history[i + 1].time);
        if (!history[i].digest.empty() && (before_all || (begin <= until && from <= end))) {
            digests.insert(history[i].digest);
        }
    }
    return digests;
}

std::optional<std::int64_t> left_at(const TagHistory& history, const std::string& digest) {
    std::optional<std::int64_t> left;
    for (std::size_t i = 0; i < history.size(); ++i) {
        if (history[i].digest == digest) {
            left = i + 1 < history.size() ? std::optional(history[i + 1].time) : std::nullopt;
        }
    }
    return left;
}

TagHistory prune_history(const TagHistory& history, const std::set<std::string>& known) {
    TagHistory pruned;
    for (const TagEvent& event : history) {
        add_event(pruned, {event.time, known.contains(event.digest) ? event.digest : ""});
    }
    return pruned;
}

}  // namespace lading::formats
