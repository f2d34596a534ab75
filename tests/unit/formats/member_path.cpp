// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/member_path.hpp"

#include "catch.hpp"

using namespace lading;
using namespace lading::formats;

TEST_CASE("the names of archive members become relative paths") {
    CHECK(normalise_member_path("usr/bin/env") == "usr/bin/env");
    CHECK(normalise_member_path("./usr//bin/./env/") == "usr/bin/env");
    CHECK(normalise_member_path("/usr/bin/env") == "usr/bin/env");
    CHECK(normalise_member_path(".") == "");
    CHECK(normalise_member_path("./") == "");
    CHECK(normalise_member_path("/") == "");
    CHECK(normalise_member_path("..a/...") == "..a/...");
    CHECK(normalise_member_path("caf\xe9") == "caf\xe9");
}

TEST_CASE("a name that points upwards is refused, not guessed at") {
    for (const char* name : {"..", "../etc", "usr/../../etc", "usr/..", "/.."}) {
        const auto path = normalise_member_path(name);
        REQUIRE_FALSE(path);
        CHECK(path.error().code == Code::bad_image);
    }
}

TEST_CASE("names are bounded in length and depth, and hold no NUL") {
    CHECK(normalise_member_path(std::string(kMaxNameBytes, 'a')));
    CHECK_FALSE(normalise_member_path(std::string(kMaxNameBytes + 1, 'a')));
    CHECK_FALSE(normalise_member_path(std::string(kMaxPathBytes + 1, '/')));
    CHECK_FALSE(normalise_member_path(std::string("a\0b", 3)));
    std::string deep;
    for (std::size_t i = 0; i < kMaxPathDepth; ++i) {
        deep += "a/";
    }
    CHECK(normalise_member_path(deep));
    CHECK_FALSE(normalise_member_path(deep + "a"));
}

TEST_CASE("only normalised paths count as such") {
    CHECK(is_member_path("usr/bin"));
    CHECK(is_member_path(""));
    CHECK_FALSE(is_member_path("/usr"));
    CHECK_FALSE(is_member_path("usr/"));
    CHECK_FALSE(is_member_path("usr/../etc"));
}

TEST_CASE(
    "an image keeps its user attributes and file capabilities, and gives overlayfs no orders") {
    CHECK(is_kept_xattr("user.note"));
    CHECK(is_kept_xattr("security.capability"));
    for (const char* name :
         {"trusted.overlay.opaque", "trusted.overlay.redirect", "user.overlay.opaque",
          "security.selinux", "security.ima", "system.posix_acl_access", "user.", "", "user.a=b"}) {
        CHECK_FALSE(is_kept_xattr(name));
    }
}

TEST_CASE("a name in a message cannot write on the terminal") {
    CHECK(shown_name("a\x1b[2Jb").find('\x1b') == std::string::npos);
    CHECK(shown_name("a\nb").find('\n') == std::string::npos);
    CHECK(shown_name(std::string(5000, 'a')).size() < 300);
}
