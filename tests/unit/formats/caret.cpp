// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/caret.hpp"

#include "catch.hpp"
#include "core/formats/utf8.hpp"
#include "mutation.hpp"

using namespace lading::formats;

TEST_CASE("the caret stands under the character, not under the byte") {
    CHECK(show_spot("m", "/dätä:x", 7) == "m\n  /dätä:x\n       ^");
    CHECK(show_spot("m", "/字:x", 5) == "m\n  /字:x\n      ^");  // the character takes two columns
    CHECK(show_spot("m", "ä", 1) == "m\n  ä\n  ^");              // within a character: under it
    CHECK(show_spot("m", "ab", 99) == "m\n  ab\n    ^");
}

TEST_CASE("of a long option the part around the spot is shown") {
    const std::string text = std::string(60'000, 'a') + "X" + std::string(60'000, 'b');
    const std::string shown = show_spot("m", text, 60'000);
    CHECK(shown == "m\n  ..." + std::string(50, 'a') + "X" + std::string(24, 'b') + "...\n  " +
                       std::string(53, ' ') + "^");
}

TEST_CASE("an error message carries no control characters and no broken text") {
    const std::string shown = show_spot("m", "a\x1b[2Jb\xff\u202E", 0);
    CHECK(shown == "m\n  a\uFFFD[2Jb\uFFFD\uFFFD\n  ^");
}

TEST_CASE("UTF-8 is read as RFC 3629 has it") {
    CHECK(first_character("é").value == 0xE9);
    CHECK(first_character("😀").bytes == 4);
    for (const char* const bad :
         {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5", "\x80", "\xC3"}) {
        CHECK_FALSE(first_character(bad).valid);
    }
    CHECK(utf8_prefix("aéé", 4) == "aé");
    CHECK(repair_utf8("a\xC3") == "a\uFFFD");
    for_each_mutation("aé字😀", 2000, [](const std::string& text) {
        const std::string repaired = repair_utf8(text);
        CHECK(repair_utf8(repaired) == repaired);
        CHECK(utf8_prefix(repaired, 5).size() <= 5);
        CHECK(repair_utf8(utf8_prefix(repaired, 5)) == utf8_prefix(repaired, 5));
    });
}
