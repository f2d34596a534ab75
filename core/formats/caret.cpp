// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/caret.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/formats/utf8.hpp"

namespace lading::formats {
namespace {

// Together with the indentation this fits into the 80 columns of a terminal.
constexpr std::size_t kColumnsBefore = 50;
constexpr std::size_t kColumnsAfter = 25;
constexpr std::string_view kIndent = "  ";
constexpr std::string_view kCut = "...";

std::size_t width(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const Character c = first_character(text);
        columns += c.valid && !is_control(c.value) ? display_width(c.value) : 1;
        text.remove_prefix(c.bytes);
    }
    return columns;
}

/// Where the character begins that holds the byte `at`.
std::size_t character_begin(std::string_view text, std::size_t at) {
    std::size_t begin = 0;
    while (begin < at) {
        const std::size_t bytes = first_character(text.substr(begin)).bytes;
        if (begin + bytes > at) {
            break;
        }
        begin += bytes;
    }
    return begin;
}

}  // namespace

std::string show_spot(std::string_view message, std::string_view text, std::size_t at) {
    at = character_begin(text, std::min(at, text.size()));
    std::string_view before = text.substr(0, at);
    std::string_view after = text.substr(at);
    std::string_view cut_before;
    std::string_view cut_after;
    if (width(before) > kColumnsBefore) {
        cut_before = kCut;
        // By bytes first: at most four of them make a column, so that a huge text costs nothing.
        before = before.substr(
            character_begin(before, before.size() - std::min(before.size(), 4 * kColumnsBefore)));
        while (width(before) > kColumnsBefore) {
            before.remove_prefix(first_character(before).bytes);
        }
    }
    if (after.size() > kColumnsAfter) {
        const std::string_view kept = utf8_prefix(after, kColumnsAfter);
        cut_after = kept.size() < after.size() ? kCut : std::string_view();
        after = kept;
    }
    return fmt::format("{}\n{}{}{}{}{}\n{}{:>{}}", message, kIndent, cut_before, printable(before),
                       printable(after), cut_after, kIndent, "^",
                       cut_before.size() + width(before) + 1);
}

tl::unexpected<Error> fail_at(std::string_view subject, std::string_view text, const Fault& fault,
                              std::string hint) {
    return fail(Code::usage, show_spot(fmt::format("{}: {}", subject, fault.what), text, fault.at),
                std::move(hint));
}

}  // namespace lading::formats
