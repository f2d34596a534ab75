// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "lading/record.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

JobRecord record_of(const std::string& step = "0") {
    JobRecord record;
    record.plugin = "0.1.0";
    ImageRecord image;
    image.reference = "atse:1.2.4";
    image.labels = {{"lading", "x"}, {"a", "{\"lading\":{}}"}};
    image.steps = {step};
    image.nodes = 1;
    record.images = {image};
    return record;
}

std::string with_record(const std::string& site) {
    return format_admin_comment({site, record_of()});
}

/// What the site wrote survives a report, and another one.
void check_survives(const std::string& site) {
    INFO(site.substr(0, 200));
    const std::string once = with_record(site);
    CHECK(once.size() <= site.size() + kRecordBytes);
    const AdminComment read = parse_admin_comment(once);
    CHECK(read.site == site);
    REQUIRE(read.record);
    CHECK(*read.record == record_of());
    CHECK(format_admin_comment(read) == once);

    AdminComment more = read;
    more.record = merge_records(*read.record, record_of("1"));
    const AdminComment again = parse_admin_comment(format_admin_comment(more));
    CHECK(again.site == site);
    CHECK(again.record->images[0].steps == std::vector<std::string>{"0", "1"});
}

const std::string kOurs = R"("lading":)" + format_record(record_of());

}  // namespace

TEST_CASE("what a site wrote into the AdminComment survives") {
    for (const std::string site : {
             "",
             "charged to project 7",
             " spaces around ",
             "line\nbreaks\r\n",
             R"({"project":7})",
             R"({"project":7,"b":[1,{"lading":"no"}]})",
             " {\"a\" : 1.50e1 , \"z\":1,\t\"b\":12345678901234567890123 }\n",
             R"({"a":"}","b":"{\"lading\":"})",
             "{}",
             "{ }",
             "[]",
             "[1,2]",
             "[{\"lading\":{\"v\":1}}]",
             "\"lading\"",
             "null",
             "42",
             "a {brace",
             "}{",
             "{",
             R"(broken {"lading":)",
             R"(text {"lading":{"v":1}})",
             R"({"lading":5})",
             R"({"lading":{"v":2,"images":[]}})",
             R"({"a":1,"lading":"mine"})",
             R"({"a":1,"a":2})",
             R"({"\u006cading":1})",
             "größe 字 😀",
             "broken \xff\xfe utf-8",
             R"(x{"lading":)",
         }) {
        check_survives(site);
    }
    check_survives(std::string(60'000, 'x'));
    check_survives("{\"a\":\"" + std::string(60'000, 'x') + "\"}");
    check_survives(std::string(30'000, '['));
    std::string openings;
    for (int i = 0; i < 6000; ++i) {
        openings += R"({"lading":)";
    }
    check_survives(openings);
    std::string deep;
    for (int i = 0; i < 5000; ++i) {
        deep += R"({"a":)";
    }
    check_survives(deep + "1" + std::string(5000, '}'));
}

TEST_CASE("a site's JSON object gets a member, any other text is followed by an object") {
    CHECK(with_record("") == "{" + kOurs + "}");
    CHECK(with_record(R"({"a":1})") == R"({"a":1,)" + kOurs + "}");
    CHECK(with_record("text") == "text {" + kOurs + "}");
    CHECK(with_record("[1]") == "[1] {" + kOurs + "}");
    CHECK(nlohmann::json::accept(with_record(" {\"a\": 1} ")));
}

TEST_CASE("a field without a record is the site's, whole") {
    for (const std::string site : {"", "x", R"({"lading":{"v":1}})", R"({"a":{"lading":{}}})"}) {
        const AdminComment read = parse_admin_comment(site);
        CHECK(read.site == site);
        CHECK_FALSE(read.record);
        CHECK(format_admin_comment(read) == site);
    }
}

TEST_CASE("the record is found wherever a site's tools moved it") {
    for (const auto& [text, site] : std::vector<std::pair<std::string, std::string>>{
             {"{" + kOurs + R"(,"a":1})", R"({"a":1})"},
             {R"({"b":2 , )" + kOurs + R"( , "a":1})", R"({"b":2 , "a":1})"},
             {"{ " + kOurs + " }", ""},
             {"{" + kOurs + "} added later", " added later"},
             {"before {" + kOurs + "} after", "before after"},
             {"before\n{" + kOurs + "}\nafter", "before\nafter"},
         }) {
        INFO(text);
        const AdminComment read = parse_admin_comment(text);
        REQUIRE(read.record);
        CHECK(*read.record == record_of());
        CHECK(read.site == site);
    }
}

TEST_CASE("a record inside of a site's own text is the site's") {
    for (const std::string& site : {R"({"a":{)" + kOurs + "}}", "[{" + kOurs + "}]",
                                    "x={" + kOurs + "}", "{" + kOurs + "};y"}) {
        CHECK_FALSE(parse_admin_comment(site).record);
        check_survives(site);
    }
}

TEST_CASE("a damaged record is kept as the site's text, never thrown away") {
    for (const std::string& site :
         {std::string(R"({"a":1})"), std::string("text"), std::string()}) {
        for_each_mutation(with_record(site), 400, [](const std::string& damaged) {
            const AdminComment read = parse_admin_comment(damaged);
            if (!read.record) {
                CHECK(read.site == damaged);
            }
            AdminComment next = read;
            next.record = merge_records(read.record.value_or(JobRecord{}), record_of("9"));
            const AdminComment again = parse_admin_comment(format_admin_comment(next));
            CHECK(again.site == read.site);
            CHECK((again.record && *again.record == merge_records(*next.record, JobRecord{})));
        });
    }
}
