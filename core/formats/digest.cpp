// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/digest.hpp"

#include <algorithm>

namespace lading {

bool is_digest(std::string_view text) {
    constexpr std::size_t kHexDigits = 64;
    if (text.size() != formats::kDigestPrefix.size() + kHexDigits ||
        !text.starts_with(formats::kDigestPrefix)) {
        return false;
    }
    // Lower case alone: two spellings of one digest would be two files in a store.
    return std::ranges::all_of(text.substr(formats::kDigestPrefix.size()), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

}  // namespace lading

namespace lading::formats {

std::string_view digest_hex(std::string_view digest) {
    return digest.substr(std::min(kDigestPrefix.size(), digest.size()));
}

std::string short_digest(std::string_view digest) {
    constexpr std::size_t kShown = 12;
    return std::string(digest.substr(0, kDigestPrefix.size() + kShown));
}

}  // namespace lading::formats
