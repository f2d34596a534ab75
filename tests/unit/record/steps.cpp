// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/steps.hpp"

#include "catch.hpp"
#include "mutation.hpp"

using namespace lading::record;
using Steps = std::vector<std::string>;

TEST_CASE("steps are written as ranges, names before numbers") {
    const Steps sorted = sorted_steps({"10", "2", "batch", "0", "1", "interactive", "2", "4"});
    CHECK(sorted == Steps{"batch", "interactive", "0", "1", "2", "4", "10"});
    CHECK(step_ranges(sorted) == Steps{"batch", "interactive", "0-2", "4", "10"});
    CHECK(*parse_steps("batch,interactive,0-2,4,10") == sorted);
    CHECK(parse_steps("")->empty());
    CHECK(step_ranges({"4294967294", "4294967295"}) == Steps{"4294967294-4294967295"});
}

TEST_CASE("what is no step is left out when written, and refused when read") {
    CHECK(sorted_steps({"", "a b", "1,2", "0-5", "\xff", std::string(33, 'a')}).empty());
    for (const char* const text : {",", "1,", "a b", "1-", "-1", "5-3", "1-2-3", "01",
                                   "0-4294967295", "4294967296", "0-99999,200000-399999"}) {
        INFO(text);
        const auto parsed = parse_steps(text);
        CHECK((!parsed || std::string(text) == "1,"));
    }
}

TEST_CASE("what is read of damaged steps can be written back") {
    for_each_mutation("batch,interactive,0-15,17,20-21", 4000, [](const std::string& text) {
        if (const auto steps = parse_steps(text)) {
            std::string joined;
            for (const std::string& range : step_ranges(*steps)) {
                joined += (joined.empty() ? "" : ",") + range;
            }
            CHECK(*parse_steps(joined) == *steps);
        }
    });
}
