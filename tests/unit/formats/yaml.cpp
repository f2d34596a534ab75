// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/yaml.hpp"

#include <string>

#include "catch.hpp"
#include "contains.hpp"

using namespace lading;
using namespace lading::formats;
using nlohmann::json;

namespace {

const JsonRules kRules{"f.yaml", Code::site, 1U << 20, false};

json value_of(const std::string& text) {
    const auto parsed = parse_strict_yaml(text, kRules);
    INFO(text);
    INFO((parsed ? "" : parsed.error().what));
    REQUIRE(parsed);
    return *parsed;
}

std::string error_of(const std::string& text) {
    const auto parsed = parse_strict_yaml(text, kRules);
    INFO(text.substr(0, 200));
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::site);
    CHECK(parsed.error().what.starts_with("f.yaml: "));
    CHECK(parsed.error().what.find('\n') == std::string::npos);
    return parsed.error().what;
}

}  // namespace

TEST_CASE("YAML stands for the JSON that it looks like") {
    CHECK(value_of("---\na: [1, -2, text, 'x', \"y\"]\nb:\n  - c: true\n    d: ~\n") ==
          json::parse(R"({"a": [1, -2, "text", "x", "y"], "b": [{"c": true, "d": null}]})"));
    CHECK(value_of(R"({"a": {"b": [1]}})") == json::parse(R"({"a": {"b": [1]}})"));
    CHECK(value_of("a: &x [1]\nb: *x") == json::parse(R"({"a": [1], "b": [1]})"));
    CHECK(value_of("a: |\n  two\n  lines\n") == json::parse(R"({"a": "two\nlines\n"})"));
}

TEST_CASE("a YAML scalar is a number, a word or text as the core schema says") {
    CHECK(value_of("[0, 7, +3, 0x1F, 0o17, 0666]") == json::parse("[0, 7, 3, 31, 15, 438]"));
    CHECK(value_of("[1.5, 1e3]") == json::parse("[1.5, 1000.0]"));
    CHECK(value_of("['7', \"true\", !!str 7, ! 7]") == json::parse(R"(["7", "true", "7", "7"])"));
    // A version is no number, nor is what only begins like one; yes and no are words since 1.2.
    CHECK(value_of("[0.7.0, 12ab, 0x, '', 089, yes, -, 0-1]") ==
          json::parse(R"(["0.7.0", "12ab", "0x", "", 89.0, "yes", "-", "0-1"])"));
    CHECK(value_of("[18446744073709551615, -9223372036854775807]").dump() ==
          "[18446744073709551615,-9223372036854775807]");
    CHECK(value_of("- NVIDIA_CTK_DEBUG=false") == json::parse(R"(["NVIDIA_CTK_DEBUG=false"])"));
}

TEST_CASE("a YAML key that stands twice, or is no text, is refused") {
    CHECK(error_of("a: 1\nb:\n  c: 1\n  c: 2\n") == "f.yaml: $.b.c: given twice");
    CHECK(contains(error_of("[1]: 2"), "a key that is no text"));
    CHECK(contains(error_of("a: !custom x"), "the tag !custom is not known here"));
    CHECK(contains(error_of("a: !!binary aGk="), "is not known here"));
}

TEST_CASE("aliases cannot blow a YAML document up") {
    std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 20; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int n = 1; n < 10; ++n) {
            bomb += "," + before;
        }
        bomb += "]\n";
    }
    CHECK(contains(error_of(bomb), "too large, by its aliases or of itself"));
    CHECK(contains(error_of("a: &a [*a]"), "nested too deeply"));
}

TEST_CASE("deep, large and broken YAML is an error with its place") {
    error_of(std::string(10'000, '['));
    error_of(std::string(100'000, '[') + std::string(100'000, ']'));
    CHECK(contains(error_of(std::string(40, '[') + std::string(40, ']')), "nested too deeply"));
    CHECK(error_of(std::string(2U << 20U, ' ')) == "f.yaml: larger than 1024 KiB");
    CHECK(contains(error_of("a: b\nc: [1,\n"), "f.yaml: line 3, column "));
    CHECK(contains(error_of("a: 1\n---\nb: 1\n"), "expected one document, found 2"));
    CHECK(contains(error_of(""), "expected one document, found 0"));
    error_of("a: *nowhere");
    error_of("a: \"\xff\"");
}
