// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/utf8.hpp"

#include <algorithm>
#include <array>

namespace lading::formats {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct Range {
    char32_t first;
    char32_t last;
};

constexpr bool within(const auto& ranges, char32_t value) {
    return std::ranges::any_of(ranges,
                               [&](const Range& r) { return r.first <= value && value <= r.last; });
}

/// Characters that take two columns: the blocks of Unicode's EastAsianWidth.txt that are wide
/// throughout, and emoji.  A caret need not be better than the terminals themselves.
constexpr std::array kWide = {
    Range{0x1100, 0x115F},   Range{0x2E80, 0xA4CF},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F}, Range{0x1F900, 0x1F9FF},
    Range{0x20000, 0x3FFFD},
};

/// Combining marks and variation selectors take none.
constexpr std::array kNarrow = {
    Range{0x0300, 0x036F},
    Range{0x200B, 0x200D},
    Range{0x20D0, 0x20FF},
    Range{0xFE00, 0xFE0F},
};

/// Bidirectional overrides and isolates (Unicode TR9): they make a text look like another one.
constexpr std::array kReordering = {
    Range{0x200E, 0x200F},
    Range{0x202A, 0x202E},
    Range{0x2066, 0x2069},
};

std::string replace_if(std::string_view text, const auto& unwanted) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Character c = first_character(text);
        out += unwanted(c) ? kReplacement : text.substr(0, c.bytes);
        text.remove_prefix(c.bytes);
    }
    return out;
}

}  // namespace

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1, true};
    }
    const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4) {
        return {lead, 1, false};
    }
    std::uint32_t value = lead & (0x7FU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) {
            return {lead, 1, false};
        }
        value = (value << 6U) | (byte(i) & 0x3FU);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kSmallest[bytes] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return {lead, 1, false};
    }
    return {value, bytes, true};
}

bool is_control(char32_t value) {
    return value < 0x20 || (value >= 0x7F && value < 0xA0) || within(kReordering, value);
}

std::size_t display_width(char32_t value) {
    return within(kNarrow, value) ? 0 : within(kWide, value) ? 2 : 1;
}

std::string repair_utf8(std::string_view text) {
    return replace_if(text, [](const Character& c) { return !c.valid; });
}

std::string_view utf8_prefix(std::string_view text, std::size_t limit) {
    std::size_t end = 0;
    while (end < text.size()) {
        const std::size_t bytes = first_character(text.substr(end)).bytes;
        if (bytes > limit - end) {
            break;
        }
        end += bytes;
    }
    return text.substr(0, end);
}

std::string printable(std::string_view text) {
    return replace_if(text, [](const Character& c) { return !c.valid || is_control(c.value); });
}

}  // namespace lading::formats
