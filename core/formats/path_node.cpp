// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/path_node.hpp"

#include <fmt/format.h>

#include "core/formats/absolute_path.hpp"
#include "core/formats/utf8.hpp"

namespace lading::formats {
namespace {

constexpr std::size_t kShownBytes = 80;

}  // namespace

std::string shown_text(std::string_view text) {
    return printable(utf8_prefix(text, kShownBytes));
}

Result<std::string> check_clean_path(const JsonNode& node, std::string_view text) {
    const auto clean = clean_absolute_path(text);
    if (!clean) {
        return node.fail(fmt::format("{}: '{}'", clean.error().what, shown_text(text)));
    }
    if (*clean != text) {
        return node.fail(
            fmt::format("write '{}' instead of '{}'", shown_text(*clean), shown_text(text)));
    }
    return *clean;
}

Result<std::string> read_clean_path(const JsonNode& node) {
    std::string path = TRY(check_clean_path(node, TRY(node.text())));
    if (path == "/") {
        return node.fail("'/' is everything there is");
    }
    return path;
}

}  // namespace lading::formats
