// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "catch.hpp"
#include "contains.hpp"
#include "lading/injection.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

Injection full_injection() {
    Injection injection;
    injection.findings = {{"MPI", "MPICH (libmpich.so.12)", "mpich", Verdict::ok_glibc,
                           "needs \"it\"", "", "host fabric",
                           "bin/old breaks", false},
                          {"GPU", "CUDA", "nothing", Verdict::missing, "", "ask", "", "", true}};
    injection.profiles = {"mpich", "ucx"};
    injection.files = {{"libmpich.so.12",
                        {"/opt/a b/libmpich.so.12"},
                        {{"/usr/lib/libmpich.so.12"}, {"/opt/ä/libmpi.so.12"}},
                        "01ab",
                        "profile mpich"}};
    injection.kept = {{"libz.so.1", {"/usr/lib/libz.so.1"}, "serves"}};
    injection.mounts = {{{"/opt/data"}, {"/usr/share/data"}, false, "profile mpich"}};
    injection.environment = {{"A", "1"}, {"B", ""}};
    injection.libc = {"2.36", {"/lib/ld.so"}, {{"/lib64/ld.so"}}, {{"libc.so.6", "/run/x"}}};
    return injection;
}

}  // namespace

TEST_CASE("what an image gets of its host comes back from its text as it was") {
    for (const Injection& injection : {Injection{}, full_injection()}) {
        const auto parsed = parse_injection(format_injection(injection));
        INFO((parsed ? "" : parsed.error().what));
        REQUIRE(parsed);
        CHECK(*parsed == injection);
    }
}

TEST_CASE("every verdict has its name, there and back") {
    CHECK(name_of(Verdict::native) == "NATIVE");
    CHECK(name_of(Verdict::ok_glibc) == "OK_GLIBC");
    CHECK(name_of(Verdict::missing) == "MISSING");
    CHECK(name_of(Verdict::no_arch) == "NO_ARCH");
    for (int i = 0; i <= static_cast<int>(Verdict::no_arch); ++i) {
        Injection injection;
        injection.findings.emplace_back().verdict = static_cast<Verdict>(i);
        const auto parsed = parse_injection(format_injection(injection));
        REQUIRE(parsed);
        CHECK(*parsed == injection);
    }
}

TEST_CASE("the worst of the findings is the verdict, the first that refuses the refusal") {
    CHECK(verdict_of(Injection{}) == Verdict::native);
    CHECK(refusal_of(Injection{}) == nullptr);
    const Injection injection = full_injection();
    CHECK(verdict_of(injection) == Verdict::missing);
    CHECK(refusal_of(injection) == &injection.findings[1]);
    CHECK(contains(format_injection(injection), "\"verdict\": \"MISSING\""));
}

TEST_CASE("a file name of the image's that is not UTF-8 is written, with a mark in its place") {
    Injection injection;
    injection.findings.emplace_back().reason = "/opt/\xff\xfe/app needs MPI_Init";
    injection.kept = {{"lib\xc3.so", {"/lib/\x80"}, ""}};
    const std::string text = format_injection(injection);
    CHECK(contains(text, "/opt/\xef\xbf\xbd\xef\xbf\xbd/app needs MPI_Init"));
    CHECK(parse_injection(text));
}

TEST_CASE("a text that is no injection is refused, with the place") {
    const auto error = [](const std::string& text) {
        const auto parsed = parse_injection(text);
        INFO(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == Code::internal);
        return parsed.error().what;
    };
    std::string text = format_injection(full_injection());
    const auto with = [&](const std::string& old, const std::string& fresh) {
        std::string changed = text;
        changed.replace(changed.find(old), old.size(), fresh);
        return changed;
    };
    CHECK(contains(error(with("\"OK_GLIBC\"", "\"FINE\"")), "$.findings[0]"));
    CHECK(contains(error(with("\"required\": false", "\"required\": 0")), "$.mounts[0].required"));
    CHECK(contains(error(with("\"kept\"", "\"keep\"")), "$.keep"));
    error(with("\"libc\"", "\"files\""));
    error("");
    error("[]");
    error("{}");
    error(std::string(5U << 20U, ' '));
    error(std::string(100'000, '['));
}

TEST_CASE("no damaged injection ends in anything but an error or an injection") {
    for_each_mutation(format_injection(full_injection()), 2000, [](const std::string& text) {
        if (const auto parsed = parse_injection(text)) {
            CHECK(parse_injection(format_injection(*parsed)));
        }
    });
}
