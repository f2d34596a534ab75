// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/sacct_text.hpp"

#include "catch.hpp"
#include "mutation.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

std::string line(const std::string& name, const std::string& comment) {
    return "12|#" + name +
           "|#alice|#COMPLETED|#0:0|#4|#n[1-4]|#2024-01-01T00:00:00|#Unknown|#atse:1|#" + comment +
           "|#\n";
}

}  // namespace

TEST_CASE("a job is named by number, array task, component and step") {
    CHECK(parse_job_argument("12")->job == "12");
    CHECK_FALSE(parse_job_argument("12")->step);
    CHECK(parse_job_argument("12_3.batch")->job == "12_3");
    CHECK(parse_job_argument("12_3.batch")->step == "batch");
    CHECK(parse_job_argument("12+1.0")->job == "12+1");
    CHECK(parse_job_argument("12+1.0")->step == "0");
    for (const char* const text :
         {"", "x", "12.", "12_", "12+", "12.x", "12,13", "-1", "--help", "12 ", "12_1_2", "12.0.0",
          "12.-1", "123456789012", "12_[1-4]", "12\n"}) {
        INFO(text);
        const auto parsed = parse_job_argument(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == Code::usage);
    }
    CHECK(parse_job_argument("12.x").error().what ==
          "job: expected a step: a number, batch, or interactive\n  12.x\n     ^");
}

TEST_CASE("jobs are read from sacct, whatever their names and comments hold") {
    const auto jobs = parse_sacct(line("a", "") + line("na|me\n13|x", "two\nlines|and \xff"), "|#");
    REQUIRE(jobs);
    REQUIRE(jobs->size() == 2);
    CHECK((*jobs)[0].id == "12");
    CHECK((*jobs)[0].user == "alice");
    CHECK((*jobs)[0].node_list == "n[1-4]");
    CHECK((*jobs)[0].container == "atse:1");
    CHECK((*jobs)[0].admin_comment.empty());
    CHECK((*jobs)[1].name == "na|me\n13|x");
    CHECK((*jobs)[1].admin_comment == "two\nlines|and \xff");
    CHECK(parse_sacct("", "|#")->empty());
}

TEST_CASE("sacct is asked for as many fields as are read") {
    const std::string format = sacct_format();
    CHECK(format.starts_with("JobID,JobName,"));
    CHECK(format.ends_with(",Container,AdminComment"));
    const auto separators = std::count(format.begin(), format.end(), ',');
    const std::string one = line("a", "b");
    std::size_t fields = 0;
    for (std::size_t at = one.find("|#"); at != std::string::npos; at = one.find("|#", at + 1)) {
        ++fields;
    }
    CHECK(fields == static_cast<std::size_t>(separators) + 1);
}

TEST_CASE("what is no answer of sacct is refused") {
    for (const std::string text : {"12|#", "sacct: error\n", "12", "\n"}) {
        CHECK_FALSE(parse_sacct(text, "|#"));
    }
    CHECK_FALSE(parse_sacct(line("a", "b|#c"), "|#"));
    CHECK_FALSE(parse_sacct("x", ""));
    for_each_mutation(line("a", "b") + line("c", "d"), 2000,
                      [](const std::string& text) { (void)parse_sacct(text, "|#"); });
}
