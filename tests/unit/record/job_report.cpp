// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/job_report.hpp"

#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace lading;
using namespace lading::record;

namespace {

formats::AccountedJob job_with(const std::string& comment) {
    return {"12",
            "md",
            "alice",
            "COMPLETED",
            "0:0",
            "4",
            "n[1-4]",
            "2024-01-01T10:00:00",
            "2024-01-01T11:00:00",
            "atse:1.2.4",
            comment};
}

std::string comment() {
    JobRecord record{"0.1.0", "6.1.0", "glibc 2.36", {}};
    record.images.push_back({"atse:1.2.4",
                             "sha256:" + std::string(64, 'a'),
                             "musl",
                             {{"a", "1"}, {"b", "2"}},
                             {"batch", "0", "1", "2", "4"},
                             4});
    record.images.push_back({"/opt/x", "", "", {}, {"3"}, 1, true});
    return format_admin_comment({R"({"site":1})", record});
}

}  // namespace

TEST_CASE("a record is shown as a page") {
    const auto report = make_job_report(job_with(comment()), {});
    REQUIRE(report);
    CHECK(to_page(*report) == R"(job           12 (md)
user          alice
state         COMPLETED, exit code 0:0
time          2024-01-01T10:00:00 to 2024-01-01T11:00:00
nodes         4 (n[1-4])
container     atse:1.2.4
lading        0.1.0
kernel        6.1.0
host libc     glibc 2.36

image         atse:1.2.4
  digest      sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  libc        musl
  steps       batch, 0-2, 4
  nodes       4
  labels      a=1
              b=2

image         /opt/x
  digest      none (a bare directory or file)
  steps       3
  nodes       1
              (further labels did not fit into the record)
)");
}

TEST_CASE("a record is shown as JSON, with every step by itself") {
    const auto report = make_job_report(job_with(comment()), {});
    REQUIRE(report);
    const auto object = nlohmann::json::parse(to_json(*report));
    CHECK(object["job"] == "12");
    CHECK(object["images"].size() == 2);
    CHECK(object["images"][0]["steps"] == std::vector<std::string>{"batch", "0", "1", "2", "4"});
    CHECK(object["images"][0]["labels"]["b"] == "2");
    CHECK(object["images"][1]["omitted"] == std::vector<std::string>{"labels"});
    CHECK(object["images"][1]["nodes"] == 1);
}

TEST_CASE("one step shows the image that it ran") {
    const auto report = make_job_report(job_with(comment()), "3");
    REQUIRE(report);
    REQUIRE(report->record.images.size() == 1);
    CHECK(report->record.images[0].reference == "/opt/x");
    const auto other = make_job_report(job_with(comment()), "7");
    REQUIRE_FALSE(other);
    CHECK(other.error().code == Code::not_found);
    CHECK(other.error().what == "step 12.7 has no record of a container");
}

TEST_CASE("a job without a record says so") {
    for (const char* const text : {"", "a site's own words", R"({"lading":{"v":9}})"}) {
        const auto report = make_job_report(job_with(text), {});
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Code::not_found);
        CHECK(report.error().what == "job 12 has no record of a container");
    }
}

TEST_CASE("what users named reaches the terminal as text, and JSON as JSON") {
    formats::AccountedJob job = job_with(comment());
    job.name = "\x1b[2Jevil\nuser  root\xff";
    const auto report = make_job_report(job, {});
    REQUIRE(report);
    CHECK(to_page(*report).find('\x1b') == std::string::npos);
    CHECK(to_page(*report).find("\nuser  root") == std::string::npos);
    CHECK(nlohmann::json::accept(to_json(*report)));
}
