// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "catch.hpp"
#include "lading/request.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

Request full_request() {
    Request request;
    request.text = "group/atse:1.2.4";
    request.image = *parse_image_reference(request.text);
    request.mounts = {{{"/a:b"}, {"/c,d"}, true}, {{"/e\\f"}, {"/g ä"}, false}};
    request.workdir = GuestPath{"/work"};
    request.environment = {"FOO", "BAR"};
    request.writable = false;
    request.mount_home = true;
    request.unshare = Namespaces{true, false, false, true};
    request.inject = Inject{Inject::What::these, true, true};
    request.on_mismatch = OnMismatch::warn;
    request.labels = {{"org.supercontainers.mpi", "mpich"}, {"ä", "b=c"}, {"empty", ""}};
    return request;
}

std::string error_of(const std::string& text) {
    const auto parsed = parse_request(text);
    INFO(text);
    REQUIRE_FALSE(parsed);
    return parsed.error().what;
}

}  // namespace

TEST_CASE("a request arrives at the node as it left") {
    const Request request = full_request();
    const std::string text = format_request(request);
    CHECK(text.find('\n') == std::string::npos);
    const auto parsed = parse_request(text);
    INFO((parsed ? "" : parsed.error().what));
    REQUIRE(parsed);
    CHECK(*parsed == request);
}

TEST_CASE("what the user did not ask for stays open for the site") {
    Request request;
    request.text = "atse";
    request.image = *parse_image_reference("atse");
    CHECK(format_request(request) == R"({"image":"atse","v":1})");
    CHECK(*parse_request(format_request(request)) == request);
    request.unshare = Namespaces{};  // asked for none
    CHECK(*parse_request(format_request(request)) == request);
    request.inject = Inject{};  // asked for what may be the default
    request.on_mismatch = OnMismatch::refuse;
    CHECK(*parse_request(format_request(request)) == request);
    request.inject = Inject{Inject::What::none, false, false};
    CHECK(*parse_request(format_request(request)) == request);
}

TEST_CASE("a forged request is held to the grammar of the options") {
    CHECK(error_of(R"({"v":1,"image":"../x"})").starts_with("container request: $.image: "));
    CHECK(error_of(R"({"v":1,"image":"a","mounts":["/a:/b","/a:/../etc"]})")
              .starts_with("container request: $.mounts[1]: --container-mounts: target: '..'"));
    CHECK(error_of(R"({"v":1,"image":"a","inject":"mpi,x"})")
              .starts_with("container request: $.inject: --container-inject: expected auto"));
    for (const std::string text : {
             R"({"v":1,"image":"a","workdir":"x"})",
             R"({"v":1,"image":"a","env":"A=1"})",
             R"({"v":1,"image":"a","unshare":"user"})",
             R"({"v":1,"image":"a","inject":"all"})",
             R"({"v":1,"image":"a","inject":["mpi"]})",
             R"({"v":1,"image":"a","on_mismatch":"ignore"})",
             R"({"v":1,"image":"a","on_mismatch":true})",
             R"({"v":1,"image":"a","labels":["a=b"]})",
             R"({"v":1,"image":"a","labels":{"a":1}})",
             R"({"v":1,"image":"a","labels":{"":"b"}})",
             R"({"v":1,"image":"a","labels":{"a":"b\u0000c"}})",
             R"({"v":1,"image":"a","writable":"yes"})",
             R"({"v":1,"image":"a","home":1})",
             R"({"v":1,"image":"a","mounts":"/a:/b"})",
             R"({"v":1,"image":["a"]})",
             R"({"v":1,"image":"/a\u0000b"})",
             R"({"v":1})",
             R"({"image":"a"})",
             R"({"v":2,"image":"a"})",
             R"({"v":-1,"image":"a"})",
             R"({"v":1,"image":"a","image":"b"})",
             R"({"v":1,"image":"a","more":1})",
             R"({"v":1,"image":"a"} x)",
             R"({"v":1,/**/"image":"a"})",
             R"(["v"])",
             R"(null)",
             "",
         }) {
        error_of(text);
    }
}

TEST_CASE("a request has a size, and a depth") {
    const std::string fill(64U << 10, ' ');
    CHECK(error_of(R"({"v":1,"image":"a")" + fill + "}").find("larger than 64 KiB") !=
          std::string::npos);
    CHECK(error_of(std::string(30'000, '[') + std::string(30'000, ']')).find("nested too deeply") !=
          std::string::npos);
}

TEST_CASE("no damaged request is read as one that the options could not make") {
    for_each_mutation(format_request(full_request()), 5000, [](const std::string& text) {
        if (const auto parsed = parse_request(text)) {
            const auto again = parse_request(format_request(*parsed));
            CHECK((again && *again == *parsed));
        }
    });
}

TEST_CASE("a name goes to the nodes with the digest that it had at submission") {
    Request request;
    request.text = "atse:1";
    request.image = ImageName{"atse", "1", "sha256:" + std::string(64, 'a')};
    const auto back = parse_request(format_request(request));
    REQUIRE(back);
    CHECK(*back == request);
    CHECK(names_image(*back, "atse:1"));
    CHECK(names_image(*back, "atse:1@sha256:" + std::string(64, 'a')));
    CHECK_FALSE(names_image(*back, "atse:2"));
}

TEST_CASE("a pin that is no digest is refused") {
    for (const char* const pin : {"atse:1", "/etc", "docker://host.example/a", "none", ""}) {
        INFO(pin);
        const auto parsed =
            parse_request(std::string(R"({"v":1,"image":"atse:1","pin":")") + pin + "\"}");
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().what.find("$.pin") != std::string::npos);
    }
}
