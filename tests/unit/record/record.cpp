// SPDX-License-Identifier: BSD-3-Clause
#include "lading/record.hpp"

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

JobRecord step_record(const std::string& step, const std::string& reference = "atse:1.2.4",
                      const std::string& digest = kDigest, std::uint32_t nodes = 1) {
    JobRecord record;
    record.plugin = "0.1.0";
    record.kernel = "6.1.0-18-amd64";
    record.host_libc = "glibc 2.36";
    ImageRecord image;
    image.reference = reference;
    image.digest = digest;
    image.libc = "musl";
    image.labels = {{"org.opencontainers.image.version", "1.2.4"}};
    image.steps = {step};
    image.nodes = nodes;
    record.images = {image};
    return record;
}

JobRecord parsed(const std::string& text) {
    const auto record = parse_record(text);
    INFO(text);
    INFO((record ? "" : record.error().what));
    REQUIRE(record);
    return *record;
}

/// As lading-report does it for each step: read what is there, add, write.
std::string report(const std::string& before, const JobRecord& step) {
    const std::string after =
        format_record(merge_records(before.empty() ? JobRecord{} : parsed(before), step));
    CHECK(after.size() + std::string(R"( {"lading":})").size() <= kRecordBytes);
    CHECK(format_record(parsed(after)) == after);
    return after;
}

}  // namespace

TEST_CASE("a record is short and reads back the same") {
    const JobRecord record = step_record("0");
    const std::string text = format_record(record);
    CHECK(
        text ==
        R"({"host_libc":"glibc 2.36","images":[{"digest":")" + kDigest +
            R"(","labels":{"org.opencontainers.image.version":"1.2.4"},"libc":"musl","nodes":1,)"
            R"("ref":"atse:1.2.4","steps":"0"}],"kernel":"6.1.0-18-amd64","plugin":"0.1.0","v":1})");
    CHECK(parsed(text) == record);
    CHECK(parsed(format_record(JobRecord{})) == JobRecord{});
}

TEST_CASE("steps of one image share an entry, with the most nodes that one had") {
    std::string text = report("", step_record("batch"));
    text = report(text, step_record("1", "atse:1.2.4", kDigest, 4));
    text = report(text, step_record("0", "atse:1.2.4", kDigest, 2));
    const JobRecord job = parsed(text);
    REQUIRE(job.images.size() == 1);
    CHECK(job.images[0].steps == std::vector<std::string>{"batch", "0", "1"});
    CHECK(job.images[0].nodes == 4);
}

TEST_CASE("another digest is another image, though the tag is the same") {
    std::string text = report("", step_record("0"));
    text = report(text, step_record("1", "atse:1.2.4", "sha256:" + std::string(64, 'b')));
    text = report(text, step_record("2", "/data/x", ""));
    CHECK(parsed(text).images.size() == 3);
    CHECK(parsed(text).images[2].reference == "/data/x");
}

TEST_CASE("the same step reported twice changes nothing") {
    std::string text;
    for (int i = 0; i < 50; ++i) {
        const JobRecord step =
            step_record(std::to_string(i * 2), "image" + std::to_string(i % 7), "");
        text = report(text, step);
        CHECK(report(text, step) == text);
    }
    CHECK(report(text, step_record("0", "image0", "")) == text);
}

TEST_CASE("labels that do not fit are left out, the largest first, and it is said") {
    JobRecord record = step_record("0");
    record.images[0].labels = {{"small", "kept"}};
    for (int i = 0; i < 10; ++i) {
        record.images[0].labels["large" + std::to_string(i)] = std::string(900, 'x');
    }
    record.images[0].labels["huge"] = std::string(100'000, 'x');
    const std::string text = report("", record);
    const JobRecord read = parsed(text);
    CHECK(read.images[0].labels.at("small") == "kept");
    CHECK(read.images[0].labels.size() >= 3);  // no more than needed went
    CHECK(read.images[0].labels_omitted);
    CHECK_FALSE(read.images[0].steps_omitted);
    CHECK(read.images[0].digest == kDigest);
    CHECK(report(text, record) == text);
}

TEST_CASE("of many steps the newest stay, and a late report of an old one changes nothing") {
    JobRecord earlier = step_record("0");
    for (int i = 2; i < 2000; i += 2) {  // no two of them make a range
        earlier.images[0].steps.push_back(std::to_string(i));
    }
    std::string text = report("", earlier);
    for (int i = 2000; i < 2100; i += 2) {
        const JobRecord step = step_record(std::to_string(i));
        text = report(text, step);
        CHECK(report(text, step) == text);
    }
    const JobRecord job = parsed(text);
    CHECK(job.images[0].steps_omitted);
    CHECK(job.images[0].labels_omitted);
    CHECK(job.images[0].digest == kDigest);
    CHECK(job.images[0].steps.back() == "2098");
    CHECK(job.images[0].steps.size() > 700);
    CHECK(report(text, step_record("0")) == text);
    CHECK(report(text, step_record("batch")) != text);
}

TEST_CASE("a job of very many steps in a row stays short") {
    JobRecord record = step_record("0");
    for (int i = 1; i < 40'000; ++i) {
        record.images[0].steps.push_back(std::to_string(i));
    }
    const std::string text = report("", record);
    CHECK(text.find(R"("steps":"0-39999")") != std::string::npos);
    CHECK(parsed(text).images[0].steps.size() == 40'000);
}

TEST_CASE("of many images the first stay, with their digests") {
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text =
            report(text, step_record(std::to_string(i), "image" + std::to_string(i),
                                     "sha256:" + std::string(64, static_cast<char>('a' + i % 6))));
    }
    const JobRecord job = parsed(text);
    CHECK(job.images_omitted);
    CHECK(job.images.size() > 20);
    CHECK(job.images[0].reference == "image0");
    for (const ImageRecord& image : job.images) {
        CHECK(image.digest.size() == kDigest.size());
    }
    CHECK(report(text, step_record("99", "image99", "sha256:" + std::string(64, 'd'))) == text);
}

TEST_CASE("texts that are not UTF-8, endless or full of control characters give a valid record") {
    JobRecord record = step_record("0", "/data/\xff\xfe", "\xc3");
    record.kernel = std::string(10'000, '\x01');
    record.host_libc = std::string(10'000, '\n');
    record.plugin = "\xed\xa0\x80";
    record.images[0].reference += std::string(10'000, '\x02');
    record.images[0].libc = std::string(10'000, '"');
    record.images[0].labels = {{"\xff", "\xfe"}, {"emoji", "😀"}, {"nul", std::string("\0", 1)}};
    for (int i = 0; i < 100; ++i) {
        record.images[0].steps.push_back("step" + std::string(28, static_cast<char>('A' + i % 26)));
    }
    const std::string text = format_record(record);
    CHECK(text.size() <= kRecordBytes);
    CHECK(text.find_first_of("\n\r\t\x01") == std::string::npos);
    CHECK(std::all_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    CHECK(nlohmann::json::accept(text));
}

TEST_CASE("what is no record of this version is refused") {
    for (const std::string text :
         {"", "{}", "[]", R"({"v":2,"images":[]})", R"({"v":1})", R"({"v":1,"images":{}})",
          R"({"v":1,"images":[],"more":1})", R"({"v":1,"images":[{"ref":"a"}]})",
          R"({"v":1,"images":[{"ref":"a","nodes":-1}]})",
          R"({"v":1,"images":[{"ref":"a","nodes":4294967296}]})",
          R"({"v":1,"images":[{"ref":"a","nodes":1,"steps":"0-4294967295"}]})",
          R"({"v":1,"images":[{"ref":"a","nodes":1,"omitted":["digest"]}]})",
          R"({"v":1,"images":[],"images":[]})"}) {
        INFO(text);
        CHECK_FALSE(parse_record(text));
    }
}

TEST_CASE("no damaged record is read as one that cannot be written back") {
    JobRecord record = merge_records(step_record("batch"), step_record("3", "b/c:1", ""));
    record.images[0].labels_omitted = true;
    record.images_omitted = true;
    for_each_mutation(format_record(record), 2000, [](const std::string& text) {
        if (const auto read = parse_record(text)) {
            const std::string again = format_record(*read);
            CHECK(again.size() <= kRecordBytes);
            CHECK(format_record(parsed(again)) == again);
        }
    });
}
