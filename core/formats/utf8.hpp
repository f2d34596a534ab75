// SPDX-License-Identifier: BSD-3-Clause
/// UTF-8 (RFC 3629): what the user wrote goes into JSON, logs and terminals, and all three break on
/// bytes that are none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lading::formats {

/// The character at the beginning of a text.
struct Character {
    char32_t value = 0;
    std::size_t bytes = 1;  ///< 1 where the byte begins no character
    bool valid = false;
};

/// `text` is not empty.  Overlong forms, surrogates and values beyond U+10FFFF are not valid.
Character first_character(std::string_view text);

/// C0 and C1 control characters and DEL, and the marks that reorder what a terminal shows.
bool is_control(char32_t value);

/// Columns that a terminal gives the character: 0, 1 or 2.
std::size_t display_width(char32_t value);

/// Replaces each byte that begins no character by U+FFFD.
std::string repair_utf8(std::string_view text);

/// The longest beginning of a valid text of at most `limit` bytes that cuts no character.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

/// For a terminal: invalid bytes and control characters become U+FFFD.
std::string printable(std::string_view text);

}  // namespace lading::formats
