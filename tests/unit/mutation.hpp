// SPDX-License-Identifier: BSD-3-Clause
/// Damaged copies of a text, the same in every run: for parsers of what others write.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

/// Calls `check` with `count` variations: bytes flipped, dropped, repeated and inserted, the end
/// cut off.
template <typename Check>
void for_each_mutation(const std::string& original, int count, const Check& check) {
    std::mt19937 random(static_cast<std::mt19937::result_type>(original.size() + 1));
    const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
    constexpr std::string_view kTelling = "\\\"{}[]:,@/.#\n\0\x7f\xff\xc3\xed -+*0Aa~";
    for (int i = 0; i < count; ++i) {
        std::string text = original;
        for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
            const std::size_t at = below(text.size() + 1);
            const char telling = kTelling[below(kTelling.size())];
            switch (below(5)) {
                case 0:
                    text.insert(at, 1, telling);
                    break;
                case 1:
                    text.erase(at, 1 + below(3));
                    break;
                case 2:
                    text.insert(at, text.substr(below(text.size() + 1), below(12)));
                    break;
                case 3:
                    text.resize(at);
                    break;
                default:
                    if (at < text.size()) {
                        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
                    }
            }
        }
        check(text);
    }
}
