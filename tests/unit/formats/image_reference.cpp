// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "catch.hpp"
#include "lading/request.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

const std::string kHex(64, 'a');

ImageName name_of(const std::string& text) {
    const auto parsed = parse_image_reference(text);
    INFO(text);
    INFO((parsed ? "" : parsed.error().what));
    REQUIRE(parsed);
    REQUIRE(std::holds_alternative<ImageName>(*parsed));
    return std::get<ImageName>(*parsed);
}

std::string error_of(const std::string& text) {
    const auto parsed = parse_image_reference(text);
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::usage);
    return parsed.error().what;
}

}  // namespace

TEST_CASE("an image is named as registries name it, and the tag defaults to latest") {
    CHECK(name_of("atse:1.2.4") == ImageName{"atse", "1.2.4", ""});
    CHECK(name_of("atse") == ImageName{"atse", "latest", ""});
    CHECK(name_of("group/sub-group/at__se.x") ==
          ImageName{"group/sub-group/at__se.x", "latest", ""});
    CHECK(name_of("a---b:T_a.g-1") == ImageName{"a---b", "T_a.g-1", ""});
    CHECK(name_of("none:latest") == ImageName{"none", "latest", ""});
}

TEST_CASE("a digest names an image whatever its tag") {
    CHECK(name_of("atse@sha256:" + kHex) == ImageName{"atse", "", "sha256:" + kHex});
    CHECK(name_of("atse:1@sha256:" + kHex) == ImageName{"atse", "1", "sha256:" + kHex});
}

TEST_CASE("an absolute path names an image file, and none the bare host") {
    CHECK(std::get<ImagePath>(*parse_image_reference("/data//a:b/./x.sqsh/")).path.value ==
          "/data/a:b/x.sqsh");
    CHECK(std::holds_alternative<NoImage>(*parse_image_reference("none")));
}

TEST_CASE("an image of a registry is named as docker names it, its host filled in") {
    const auto read = [](const std::string& text) {
        const auto parsed = parse_image_reference(text);
        INFO(text);
        REQUIRE(parsed);
        const auto again = parse_image_reference(to_string(*parsed));
        REQUIRE(again);
        CHECK(*again == *parsed);
        return std::get<RegistryImage>(*parsed);
    };
    CHECK(read("docker://registry.example.org/group/atse:1.2.4") ==
          RegistryImage{"registry.example.org", "group/atse", "1.2.4", ""});
    CHECK(read("docker://localhost:5000/atse") ==
          RegistryImage{"localhost:5000", "atse", "latest", ""});
    CHECK(read("docker://localhost/atse") == RegistryImage{"localhost", "atse", "latest", ""});
    CHECK(read("docker://debian:12") == RegistryImage{"docker.io", "library/debian", "12", ""});
    CHECK(read("docker://group/atse@sha256:" + kHex) ==
          RegistryImage{"docker.io", "group/atse", "", "sha256:" + kHex});
    CHECK(stored_name({"localhost:5000", "group/atse", "1", ""}) ==
          ImageName{"localhost-5000/group/atse", "1", ""});
    CHECK(name_of(to_string(stored_name({"localhost:5000", "group/atse", "1", ""}))).tag == "1");
}

TEST_CASE("a malformed image of a registry is shown with a caret under the spot") {
    CHECK(error_of("docker://host.example:port/atse") ==
          "image reference: expected a port's digits, found 'p'\n"
          "  docker://host.example:port/atse\n"
          "                        ^");
    CHECK(error_of("docker://host.example/At") ==
          "image reference: expected a lower-case letter or digit, found 'A' (names are "
          "lower-case)\n"
          "  docker://host.example/At\n"
          "                        ^");
    for (const char* const text :
         {"docker://", "docker:///atse", "docker://host.example:/a",
          "docker://host.example:123456/a", "docker://ho_/st.example/../a",
          "docker://host.example/a/../b", "docker://[::1]:5/a", "docker://Host.example/a",
          "docker:///etc/passwd", "https://host.example/a"}) {
        error_of(text);
    }
}

TEST_CASE("a malformed image reference is shown with a caret under the spot") {
    CHECK(error_of("atse:1.2/4") ==
          "image reference: '/' cannot stand in a tag\n"
          "  atse:1.2/4\n"
          "          ^");
    CHECK(error_of("Atse") ==
          "image reference: expected a lower-case letter or digit, found 'A' (names are "
          "lower-case)\n"
          "  Atse\n"
          "  ^");
    CHECK(error_of("atSe") ==
          "image reference: 'S' cannot stand in a name (names are lower-case)\n"
          "  atSe\n"
          "    ^");
    CHECK(error_of("") ==
          "image reference: expected a lower-case letter or digit, found the end\n"
          "  \n"
          "  ^");
    CHECK(error_of("atse@sha256:" + std::string(63, 'a')).find("64 hexadecimal digits, found 63") !=
          std::string::npos);
    CHECK(error_of("/a/../b") ==
          "image reference: '..' is not allowed in a path\n"
          "  /a/../b\n"
          "     ^");
}

TEST_CASE("what could leave a store's directory or forge a message is no image name") {
    for (const std::string text :
         {"..",      "a/../b", "../a", "a//b",      "a/",   "a:",    "a:.x",       "a@",
          "a@md5:1", "a b",    "a\nb", "a:b:c",     "-a",   "a.",    "a_",         "a___b",
          "a..b",    "./a",    "~/a",  "a\x1b[31m", "\xff", "none/", "a@sha256:A", "/a\nb"}) {
        error_of(text);
    }
    error_of(std::string("a\0b", 3));
    error_of(std::string("/a\0b", 4));
    // Nothing but text reaches the user's terminal.
    CHECK(error_of("a\x1b[31m").find('\x1b') == std::string::npos);
}

TEST_CASE("names, tags and paths have an end") {
    CHECK(name_of(std::string(255, 'a')).name.size() == 255);
    error_of(std::string(256, 'a'));
    error_of("a:" + std::string(129, 'b'));
    error_of("/" + std::string(4096, 'a'));
    CHECK(error_of(std::string(100'000, 'a')).size() < 400);
}

TEST_CASE("a reference written out reads back the same") {
    for (const std::string text :
         {"atse:1.2.4", "a/b", "none", "none:latest", "/x/y:z", "none@sha256:x", "x:1@sha256:x"}) {
        std::string full = text;
        if (full.ends_with(":x")) {
            full.pop_back();
            full += kHex;
        }
        const auto parsed = parse_image_reference(full);
        REQUIRE(parsed);
        const auto again = parse_image_reference(to_string(*parsed));
        REQUIRE(again);
        CHECK(*again == *parsed);
    }
}

TEST_CASE("no damaged reference is read as something that cannot be written back") {
    const auto check = [](const std::string& text) {
        const auto parsed = parse_image_reference(text);
        if (parsed) {
            const auto again = parse_image_reference(to_string(*parsed));
            CHECK((again && *again == *parsed));
        } else {
            CHECK(parsed.error().what.find('\n') != std::string::npos);
        }
    };
    for_each_mutation("group/atse:1.2.4@sha256:" + kHex, 1000, check);
    for_each_mutation("atse:1.2", 1000, check);
    for_each_mutation("/opt/images/atse.sqsh", 1000, check);
}
