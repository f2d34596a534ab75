// SPDX-License-Identifier: BSD-3-Clause
// --container-env=NAME[,NAME…]
#include "core/formats/environment_names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/formats/option_list.hpp"
#include "core/formats/utf8.hpp"
#include "lading/request.hpp"

namespace lading {
namespace {

using formats::Fault;

constexpr std::string_view kSubject = "--container-env";
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxNames = 1024;

constexpr bool may_stand(char c, bool first) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/// Where the first character stands that no name has there; the text's size if all are right.
std::size_t first_wrong(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && may_stand(text[at], at == 0)) {
        ++at;
    }
    return at;
}

tl::expected<void, Fault> check_name(std::string_view word, std::size_t at) {
    if (word.empty()) {
        return tl::unexpected(Fault{at, "expected the name of a variable, found nothing"});
    }
    const std::size_t wrong = first_wrong(word);
    if (wrong != word.size()) {
        const formats::Character c = formats::first_character(word.substr(wrong));
        return tl::unexpected(
            Fault{at + wrong, fmt::format("'{}' cannot stand in the name of a variable",
                                          formats::printable(word.substr(wrong, c.bytes)))});
    }
    if (word.size() > kMaxName) {
        return tl::unexpected(Fault{at + kMaxName, "a name longer than 256 characters"});
    }
    return {};
}

}  // namespace

std::string formats::environment_value(const std::vector<std::string>& entries,
                                       std::string_view name) {
    for (const std::string& entry : entries) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

bool formats::is_environment_name(std::string_view text) {
    return !text.empty() && first_wrong(text) == text.size();
}

Result<std::vector<std::string>> parse_environment_names(std::string_view text) {
    std::vector<std::string> names;
    const auto read = formats::for_each_word(
        text, [&](std::string_view word, std::size_t at) -> tl::expected<void, Fault> {
            if (auto checked = check_name(word, at); !checked) {
                return checked;
            }
            if (std::find(names.begin(), names.end(), word) == names.end()) {
                names.emplace_back(word);
            }
            if (names.size() > kMaxNames) {
                return tl::unexpected(Fault{at, "more than 1024 names"});
            }
            return {};
        });
    if (!read) {
        const std::size_t at = read.error().at;
        return formats::fail_at(kSubject, text, read.error(),
                                at < text.size() && text[at] == '='
                                    ? "name the variable alone: its value is the job's own"
                                    : "");
    }
    return names;
}

}  // namespace lading
