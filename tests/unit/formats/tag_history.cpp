// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/tag_history.hpp"

#include "catch.hpp"
#include "contains.hpp"
#include "core/formats/utc_time.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

std::string digest(char c) {
    return "sha256:" + std::string(64, c);
}

const std::string kOld = digest('0');
const std::string kNew = digest('1');
using Digests = std::set<std::string>;

}  // namespace

TEST_CASE("a tag's history is text that is read back") {
    const TagHistory history = {{1'700'000'000, kOld}, {1'700'000'060, kNew}, {1'700'000'120, ""}};
    const std::string text = format_tag_history(history);
    CHECK(text.starts_with("2023-11-14T22:13:20Z " + kOld + "\n2023-11-14T22:14:20Z "));
    CHECK(text.ends_with(" -\n"));
    CHECK(parse_tag_history(text) == history);
    CHECK(parse_tag_history("")->empty());
    for (const std::string& damaged :
         {std::string("x"), text.substr(0, text.size() - 1), text + "\n",
          std::string("2023-11-14T22:13:20Z sha256:12\n"), "2023-11-14 " + kOld + "\n"}) {
        INFO(damaged);
        CHECK_FALSE(parse_tag_history(damaged));
    }
}

TEST_CASE("the image that a job was submitted with is the one that its tag had then") {
    const TagHistory history = {{100, kOld}, {200, kNew}, {300, ""}};
    CHECK(digests_between(history, 150, 150) == Digests{kOld});
    CHECK(digests_between(history, 250, 250) == Digests{kNew});
    CHECK(digests_between(history, 301, 400).empty());
    SECTION("with room for clocks that differ") {
        CHECK(digests_between(history, 150, 250) == Digests{kOld, kNew});
        CHECK(digests_between(history, 290, 400) == Digests{kNew});
    }
    SECTION("and all of them where it is older than all that is known") {
        CHECK(digests_between(history, 10, 20) == Digests{kOld, kNew});
    }
    SECTION("and both where the clock was set back") {
        const TagHistory back = {{200, kOld}, {100, kNew}};
        CHECK(digests_between(back, 150, 150) == Digests{kOld, kNew});
    }
}

TEST_CASE("an image is without a tag since the tag turned to something else") {
    const TagHistory history = {{100, kOld}, {200, kNew}, {300, kOld}, {400, kNew}};
    CHECK(left_at(history, kOld) == 400);
    CHECK_FALSE(left_at(history, kNew));
    CHECK_FALSE(left_at(history, digest('2')));
}

TEST_CASE("a history says each change once, and is bounded") {
    TagHistory history;
    add_event(history, {1, ""});
    CHECK(history.empty());
    for (int i = 0; i < 5000; ++i) {
        add_event(history, {i, i % 2 == 0 ? kOld : kNew});
        add_event(history, {i, i % 2 == 0 ? kOld : kNew});
    }
    CHECK(history.size() == kMaxTagEvents);
    CHECK(history.back() == TagEvent{4999, kNew});
    CHECK(format_tag_history(history).size() <= kTagHistoryBytes);
}

TEST_CASE("what is forgotten of a history is images that are gone") {
    const TagHistory history = {{1, digest('a')}, {2, digest('b')}, {3, kOld},
                                {4, digest('c')}, {5, kNew},        {6, ""}};
    CHECK(prune_history(history, {kOld, kNew}) ==
          TagHistory{{3, kOld}, {4, ""}, {5, kNew}, {6, ""}});
    CHECK(prune_history(history, {}).empty());
}

TEST_CASE("times are those of RFC 3339, and Slurm's in UTC") {
    CHECK(parse_utc_time("1970-01-02T00:00:01Z") == 86401);
    CHECK(parse_utc_time("2026-11-23T20:15:47") == 1795464947);
    CHECK(format_utc_time(1795464947) == "2026-11-23T20:15:47Z");
    for (const char* const text : {"", "Z", "N/A", "Unknown", "2026-13-01T00:00:00",
                                   "2026-11-23T20:15:4", "2026-11-23 20:15:47", "20:15:47"}) {
        CHECK_FALSE(parse_utc_time(text));
    }
    CHECK(parse_duration("0") == 0);
    CHECK(parse_duration("90s") == 90);
    CHECK(parse_duration("2w") == 14 * 86400);
    for (const char* const text :
         {"", "1", "-1d", "1y", "d", "1dd", "99999999999999999999d", "1 d"}) {
        CHECK_FALSE(parse_duration(text));
    }
    CHECK(human_duration(86400 * 3) == "3 days");
    CHECK(human_duration(3700) == "1 hour");
}
