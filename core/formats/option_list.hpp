// SPDX-License-Identifier: BSD-3-Clause
/// Options that are lists of words: `pid,ipc,net`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "core/formats/caret.hpp"

namespace lading::formats {

/// Calls `take(word, at)` for each word between commas, empty ones included; `at` is where the
/// word stands.  Ends at the first fault that `take` returns.
template <typename Take>
tl::expected<void, Fault> for_each_word(std::string_view text, Take&& take) {
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        tl::expected<void, Fault> taken = take(text.substr(at, end - at), at);
        if (!taken) {
            return taken;
        }
        at = end + 1;
    }
    return {};
}

}  // namespace lading::formats
