// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/digest.hpp"

#include <string>

#include "catch.hpp"

using namespace lading;

TEST_CASE("a digest is sha256 with 64 lower-case hex digits, and nothing else") {
    const std::string hex(64, 'a');
    CHECK(is_digest("sha256:" + hex));
    CHECK_FALSE(is_digest(hex));
    CHECK_FALSE(is_digest("sha256:" + hex + "a"));
    CHECK_FALSE(is_digest("sha256:" + hex.substr(1)));
    CHECK_FALSE(is_digest("sha256:" + std::string(64, 'A')));
    CHECK_FALSE(is_digest("sha256:" + std::string(63, 'a') + "/"));
    CHECK_FALSE(is_digest("sha512:" + hex));
    CHECK_FALSE(is_digest(""));
}

TEST_CASE("a digest in a table is short and still says what it is") {
    const std::string digest = "sha256:" + std::string(64, 'b');
    CHECK(formats::digest_hex(digest) == std::string(64, 'b'));
    CHECK(formats::short_digest(digest) == "sha256:bbbbbbbbbbbb");
    CHECK(formats::short_digest("").empty());
}
