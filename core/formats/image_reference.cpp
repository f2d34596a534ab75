// SPDX-License-Identifier: BSD-3-Clause
// NAME[:TAG][@DIGEST], an absolute path, or `none`.
//
// Names and tags are those of the OCI distribution specification 1.1 ("Pulling manifests").  Names
// become file names in a store, so that this grammar is also what keeps a name inside of it.
#include <fmt/format.h>

#include <algorithm>

#include "core/formats/absolute_path.hpp"
#include "core/formats/caret.hpp"
#include "core/formats/utf8.hpp"
#include "lading/image.hpp"
#include "lading/request.hpp"

namespace lading {
namespace {

using formats::Fault;

constexpr std::string_view kSubject = "image reference";
constexpr std::string_view kNone = "none";
constexpr std::string_view kDefaultTag = "latest";
constexpr std::size_t kMaxName = 255;  // of the specification's advice: registry and name together
constexpr std::size_t kMaxTag = 128;
constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kDigestHex = 64;

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_alphanumeric(char c) {
    return is_lower(c) || is_digit(c);
}

/// For messages: the character as the user sees it.
std::string quote(std::string_view text, std::size_t at) {
    if (at >= text.size()) {
        return "the end";
    }
    const formats::Character c = formats::first_character(text.substr(at));
    if (!c.valid) {
        return "a byte that is not UTF-8";
    }
    if (formats::is_control(c.value)) {
        return "a control character";
    }
    return fmt::format("'{}'", text.substr(at, c.bytes));
}

/// The length of a separator at `at`: `.`, `_`, `__` or any number of `-`.
std::size_t separator(std::string_view text, std::size_t at) {
    if (at >= text.size()) {
        return 0;
    }
    if (text[at] == '.') {
        return 1;
    }
    if (text[at] == '_') {
        return text.substr(at).starts_with("__") ? 2 : 1;
    }
    return std::min(text.find_first_not_of('-', at), text.size()) - at;
}

/// Reads components `[a-z0-9]+(separator[a-z0-9]+)*`, joined by `/`; returns where the name ends.
tl::expected<std::size_t, Fault> scan_name(std::string_view text) {
    std::size_t at = 0;
    while (true) {
        const std::size_t begin = at;
        while (at < text.size() && is_alphanumeric(text[at])) {
            ++at;
        }
        if (at == begin) {
            const bool upper = at < text.size() && is_upper(text[at]);
            return tl::unexpected(
                Fault{at, fmt::format("expected a lower-case letter or digit, found {}{}",
                                      quote(text, at), upper ? " (names are lower-case)" : "")});
        }
        if (at < text.size() && text[at] == '/') {
            ++at;
            continue;
        }
        const std::size_t skip = separator(text, at);
        if (skip == 0) {
            return at;
        }
        at += skip;
    }
}

tl::expected<std::string, Fault> read_tag(std::string_view text, std::size_t begin,
                                          std::size_t end) {
    for (std::size_t at = begin; at < end; ++at) {
        const char c = text[at];
        const bool first = at == begin;
        if (!is_alphanumeric(c) && !is_upper(c) && c != '_' && (first || (c != '.' && c != '-'))) {
            return tl::unexpected(Fault{at, fmt::format("{} cannot {} a tag", quote(text, at),
                                                        first ? "begin" : "stand in")});
        }
    }
    if (begin == end) {
        return tl::unexpected(Fault{begin, "expected a tag after ':'"});
    }
    if (end - begin > kMaxTag) {
        return tl::unexpected(Fault{begin + kMaxTag, "a tag longer than 128 characters"});
    }
    return std::string(text.substr(begin, end - begin));
}

tl::expected<std::string, Fault> read_digest(std::string_view text, std::size_t begin) {
    const std::string_view digest = text.substr(begin);
    if (!digest.starts_with(kDigestPrefix)) {
        return tl::unexpected(Fault{begin, "expected 'sha256:' after '@'"});
    }
    for (std::size_t i = kDigestPrefix.size(); i < digest.size(); ++i) {
        if (!is_digit(digest[i]) && !(digest[i] >= 'a' && digest[i] <= 'f')) {
            return tl::unexpected(
                Fault{begin + i, fmt::format("expected a lower-case hexadecimal digit, found {}",
                                             quote(text, begin + i))});
        }
    }
    const std::size_t digits = digest.size() - kDigestPrefix.size();
    if (digits != kDigestHex) {
        return tl::unexpected(
            Fault{begin + kDigestPrefix.size() + std::min(digits, kDigestHex),
                  fmt::format("expected 64 hexadecimal digits, found {}", digits)});
    }
    return std::string(digest);
}

tl::expected<ImageName, Fault> read_name(std::string_view text) {
    const auto scanned = scan_name(text);
    if (!scanned) {
        return tl::unexpected(scanned.error());
    }
    std::size_t at = *scanned;
    if (at > kMaxName) {
        return tl::unexpected(Fault{kMaxName, "a name longer than 255 characters"});
    }
    ImageName name{std::string(text.substr(0, at)), "", ""};
    if (at < text.size() && text[at] == ':') {
        const std::size_t end = std::min(text.find('@', at), text.size());
        auto tag = read_tag(text, at + 1, end);
        if (!tag) {
            return tl::unexpected(tag.error());
        }
        name.tag = std::move(*tag);
        at = end;
    }
    if (at < text.size() && text[at] == '@') {
        auto digest = read_digest(text, at + 1);
        if (!digest) {
            return tl::unexpected(digest.error());
        }
        name.digest = std::move(*digest);
        at = text.size();
    }
    if (at != text.size()) {
        const bool upper = is_upper(text[at]);
        return tl::unexpected(Fault{at, fmt::format("{} cannot stand in a name{}", quote(text, at),
                                                    upper ? " (names are lower-case)" : "")});
    }
    if (name.tag.empty() && name.digest.empty()) {
        name.tag = kDefaultTag;
    }
    return name;
}

}  // namespace

Result<ImageReference> parse_image_reference(std::string_view text) {
    if (text == kNone) {
        return ImageReference(NoImage{});
    }
    if (text.starts_with('/')) {
        auto path = formats::clean_absolute_path(text);
        if (!path) {
            return formats::fail_at(kSubject, text, path.error());
        }
        return ImageReference(ImagePath{HostPath{std::move(*path)}});
    }
    auto name = read_name(text);
    if (!name) {
        return formats::fail_at(
            kSubject, text, name.error(),
            "write NAME[:TAG], NAME@sha256:DIGEST, an absolute path, or 'none'");
    }
    return ImageReference(std::move(*name));
}

std::string to_string(const ImageReference& reference) {
    if (const ImagePath* const path = std::get_if<ImagePath>(&reference)) {
        return path->path.value;
    }
    if (const ImageName* const name = std::get_if<ImageName>(&reference)) {
        return fmt::format("{}{}{}{}{}", name->name, name->tag.empty() ? "" : ":", name->tag,
                           name->digest.empty() ? "" : "@", name->digest);
    }
    return std::string(kNone);
}

}  // namespace lading
