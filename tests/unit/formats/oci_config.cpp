// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/oci_config.hpp"

#include "catch.hpp"
#include "contains.hpp"
#include "lading/image.hpp"

using namespace lading;

namespace {

constexpr std::string_view kConfig = R"({
  "created": "2023-01-01T00:00:00Z", "architecture": "arm64", "os": "linux",
  "config": {
    "User": "1000:1000", "Env": ["PATH=/usr/bin", "EMPTY=", "NAMELESS", "=x"],
    "Entrypoint": ["/init", "--"], "Cmd": ["sh"], "WorkingDir": "/srv",
    "Labels": {"version": "1.2.4", "org.example/x": ""}, "ExposedPorts": {"80/tcp": {}}
  },
  "rootfs": {"type": "layers", "diff_ids": [
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}
})";

}  // namespace

TEST_CASE("an image configuration gives what matters at launch") {
    const auto config = parse_image_config(kConfig);
    REQUIRE(config);
    CHECK(config->architecture == "arm64");
    CHECK(config->environment == std::vector<std::string>{"PATH=/usr/bin", "EMPTY="});
    CHECK(config->entrypoint == std::vector<std::string>{"/init", "--"});
    CHECK(config->command == std::vector<std::string>{"sh"});
    CHECK(config->workdir == "/srv");
    CHECK(config->user == "1000:1000");
    CHECK(config->labels ==
          std::map<std::string, std::string>{{"version", "1.2.4"}, {"org.example/x", ""}});
}

TEST_CASE("docker writes null where it has nothing") {
    const auto config = parse_image_config(
        R"({"architecture":"amd64","config":{"Env":null,"Cmd":null,"Labels":null,"User":null}})");
    REQUIRE(config);
    CHECK(config->labels.empty());
    CHECK(parse_image_config(R"({"architecture":"amd64","config":null})"));
    CHECK(parse_image_config("{}"));
}

TEST_CASE("an image configuration of the wrong shape is refused, naming the member") {
    const auto refused = [](std::string_view json) {
        const auto config = parse_image_config(json);
        REQUIRE_FALSE(config);
        CHECK(config.error().code == Code::bad_image);
        return config.error().what;
    };
    CHECK(contains(refused(R"({"config":{"Env":"PATH=/"}})"), "'Env'"));
    CHECK(contains(refused(R"({"config":{"Env":[1]}})"), "expected a string"));
    CHECK(contains(refused(R"({"config":{"Env":["A=\u0000"]}})"), "NUL"));
    CHECK(contains(refused(R"({"config":{"Labels":{"a":[]}}})"), "'a'"));
    CHECK(contains(refused(R"({"config":[]})"), "'config'"));
    CHECK(contains(refused("[]"), "expected an object"));
    CHECK(contains(refused(""), "not valid JSON"));
    CHECK(contains(refused("{\"architecture\":\"\xff\"}"), "not valid JSON"));
}

TEST_CASE("a configuration cut short anywhere, or nested without end, is refused and no more") {
    for (std::size_t length = 0; length < kConfig.size(); ++length) {
        CHECK_FALSE(parse_image_config(kConfig.substr(0, length)));
    }
    CHECK_FALSE(parse_image_config(std::string(1'000'000, '[')));
    CHECK_FALSE(parse_image_config("{\"a\":" + std::string(1'000'000, '[')));
    CHECK_FALSE(parse_image_config(std::string(9U << 20, ' ') + "{}"));
}

TEST_CASE("the layers' digests are read from the configuration") {
    const auto digests = formats::parse_diff_ids(kConfig);
    REQUIRE(digests);
    CHECK(digests->size() == 1);
    CHECK_FALSE(formats::parse_diff_ids(R"({"rootfs":{"diff_ids":["md5:1"]}})"));
    CHECK(formats::parse_diff_ids("{}") == std::vector<std::string>{});
}

TEST_CASE("the history of an image is read for people: what is malformed or long does no harm") {
    using formats::parse_image_history;
    const auto steps = parse_image_history(R"({"history": [
        {"created": "2023-01-01T00:00:00.5Z", "created_by": "ADD file:1 in /"},
        {"created_by": "ENV A=b", "empty_layer": true, "comment": "x"},
        7, {"created_by": 7, "created": null}]})");
    CHECK(steps == std::vector<ImageStep>{{"2023-01-01T00:00:00.5Z", "ADD file:1 in /", false},
                                          {"", "ENV A=b", true},
                                          {"", "", false}});
    CHECK(parse_image_history("{}").empty());
    CHECK(parse_image_history("[").empty());
    CHECK(parse_image_history(R"({"history": {}})").empty());
    std::string many = R"({"history": [{"created_by": ")" + std::string(5000, 'x') + R"("})";
    for (int i = 0; i < 2000; ++i) {
        many += R"(,{"created_by":"y"})";
    }
    const auto bounded = parse_image_history(many + "]}");
    CHECK(bounded.size() == 1000);
    CHECK(bounded.front().created_by.size() == 1000);
}
