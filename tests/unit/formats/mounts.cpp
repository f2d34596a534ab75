// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "catch.hpp"
#include "core/formats/mount_request.hpp"
#include "lading/request.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

std::vector<MountRequest> mounts_of(const std::string& text) {
    const auto parsed = parse_mounts(text);
    INFO(text);
    INFO((parsed ? "" : parsed.error().what));
    REQUIRE(parsed);
    return *parsed;
}

std::string error_of(const std::string& text) {
    const auto parsed = parse_mounts(text);
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::usage);
    return parsed.error().what;
}

}  // namespace

TEST_CASE("a mount is SRC:DST with ro or rw, and SRC alone is mounted at its own path") {
    CHECK(mounts_of("/a:/b:ro,/c:/d,/e,/f:/g:rw") ==
          std::vector<MountRequest>{{{"/a"}, {"/b"}, true},
                                    {{"/c"}, {"/d"}, false},
                                    {{"/e"}, {"/e"}, false},
                                    {{"/f"}, {"/g"}, false}});
    CHECK(mounts_of("/a//x/:/b/./y:ro+ro").front() == MountRequest{{"/a/x"}, {"/b/y"}, true});
}

TEST_CASE("a backslash takes a colon or comma of a path literally") {
    CHECK(mounts_of(R"(/a\:b:/c\,d\\e)").front() == MountRequest{{"/a:b"}, {"/c,d\\e"}, false});
}

TEST_CASE("a malformed mount is shown with a caret under the spot") {
    CHECK(error_of("/data:/data:rx") ==
          "--container-mounts: unknown flag 'rx', expected ro or rw\n"
          "  /data:/data:rx\n"
          "              ^");
    CHECK(error_of(R"(/a\:b:/c/../d)") ==
          "--container-mounts: target: '..' is not allowed in a path\n"
          "  /a\\:b:/c/../d\n"
          "           ^");
    CHECK(error_of("/a:/b:ro+rw") ==
          "--container-mounts: ro and rw exclude each other\n"
          "  /a:/b:ro+rw\n"
          "           ^");
    CHECK(error_of("/a:/b,") ==
          "--container-mounts: the source is empty\n"
          "  /a:/b,\n"
          "        ^");
    CHECK(error_of("/a:ro").find("expected a target before the flag 'ro'") != std::string::npos);
}

TEST_CASE("relative, empty, escaping and endless mounts are refused") {
    for (const std::string text : {"", ",", "a:/b", "/a:b", "/a:", ":/b", "/a:/b:", "/a:/b:ro:x",
                                   "/a:/b:ro+", "/a:/b:RO", "/a/..:/b", "/a:/..", "/a:/", "/",
                                   "/a\\", "/a\n:/b", "/a:/b\xff", "/a:/b:x-create=dir"}) {
        error_of(text);
    }
    error_of(std::string("/a:/b\0", 6));
    std::string many = "/a:/b0";
    for (int i = 1; i <= 256; ++i) {
        many += ",/a:/b" + std::to_string(i);
    }
    CHECK(error_of(many).find("more than 256") != std::string::npos);
    CHECK(error_of("/" + std::string(100'000, 'a')).size() < 400);
}

TEST_CASE("no damaged mount is read as something that cannot be written back") {
    for_each_mutation(R"(/data\:1:/data:ro,/x/y:/z+w:rw+rw,/home/ä)", 5000,
                      [](const std::string& text) {
                          const auto parsed = parse_mounts(text);
                          if (!parsed) {
                              return;
                          }
                          for (const MountRequest& mount : *parsed) {
                              CHECK(mount.source.value.starts_with('/'));
                              CHECK(mount.target.value.size() > 1);
                              CHECK(mount.target.value.find("/../") == std::string::npos);
                              CHECK(*parse_mounts(formats::format_mount(mount)) ==
                                    std::vector<MountRequest>{mount});
                          }
                      });
}

TEST_CASE("the working directory is an absolute path without ..") {
    CHECK(parse_workdir("/a//b/")->value == "/a/b");
    CHECK(parse_workdir("/")->value == "/");
    CHECK(parse_workdir("a").error().what ==
          "--container-workdir: expected an absolute path, beginning with '/'\n  a\n  ^");
    CHECK_FALSE(parse_workdir("/a/.."));
    CHECK_FALSE(parse_workdir(""));
}
