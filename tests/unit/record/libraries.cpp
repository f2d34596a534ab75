// SPDX-License-Identifier: BSD-3-Clause
#include "catch.hpp"
#include "lading/record.hpp"

using namespace lading;

namespace {

LibrariesRecord libraries(std::size_t count) {
    LibrariesRecord record;
    record.verdicts = {{"MPI", "OK_GLIBC"}, {"CPU", "NATIVE"}};
    record.profiles = {"mpich", "ucx"};
    for (std::size_t i = 0; i < count; ++i) {
        const std::string soname = "libnumber" + std::to_string(i) + ".so.1";
        record.injected.push_back(
            {soname, "/usr/lib/x86_64-linux-gnu/" + soname + ".2.3", "belongs with the others"});
    }
    record.kept.push_back({"libhwloc.so.15", "/usr/lib/libhwloc.so.15.6", "has all"});
    return record;
}

JobRecord job(LibrariesRecord given, const std::string& step = "0") {
    JobRecord record;
    record.images.push_back({"atse:1.2.4", "sha256:1", "glibc 2.31", {{"a", "b"}}, {step}, 2});
    record.images.back().libraries = std::move(given);
    return record;
}

}  // namespace

TEST_CASE("a record says which libraries were injected and kept, and why") {
    const JobRecord record = job(libraries(3));
    const auto back = parse_record(format_record(record));
    REQUIRE(back);
    CHECK(*back == record);
}

TEST_CASE("many libraries lose reasons, then paths, then their list, and the verdict stays") {
    for (const std::size_t count : {20U, 60U, 150U, 390U}) {
        const std::string text = format_record(job(libraries(count)));
        CHECK(text.size() <= kRecordBytes);
        const auto back = parse_record(text);
        REQUIRE(back);
        const LibrariesRecord& left = back->images.front().libraries;
        CHECK(left.verdicts == libraries(1).verdicts);
        CHECK(left.profiles == libraries(1).profiles);
        CHECK(left.omitted == (count != 20));
        CHECK(back->images.front().labels.size() == 1);
    }
}

TEST_CASE("steps with the same libraries share an entry, also after some did not fit") {
    const auto first = parse_record(format_record(job(libraries(150), "0")));
    REQUIRE(first);
    const JobRecord both = merge_records(*first, job(libraries(150), "1"));
    REQUIRE(both.images.size() == 1);
    CHECK(both.images.front().steps == std::vector<std::string>{"0", "1"});
}

TEST_CASE("a step without injection is an entry of its own") {
    const JobRecord both = merge_records(job(libraries(3), "0"), job({}, "1"));
    CHECK(both.images.size() == 2);
}

TEST_CASE("a record of an older lading, without libraries, is read") {
    const auto record =
        parse_record(R"({"v":1,"images":[{"ref":"a","nodes":1,"steps":"0"}]})");
    REQUIRE(record);
    CHECK(record->images.front().libraries == LibrariesRecord{});
}
