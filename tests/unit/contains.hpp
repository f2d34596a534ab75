// SPDX-License-Identifier: BSD-3-Clause
/// For messages: Catch2 2 and 3 call their own matcher by different names.
#pragma once

#include <string_view>

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}
