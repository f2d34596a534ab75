// SPDX-License-Identifier: BSD-3-Clause
// NAME[:TAG][@DIGEST], docker://[HOST/]NAME[:TAG][@DIGEST], an absolute path, or `none`.
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
constexpr std::string_view kRegistry = "docker://";
constexpr std::string_view kDockerHub = "docker.io";
constexpr std::string_view kOfficial = "library/";  // docker.io's images without a group
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

/// `registry.example.org`, `localhost:5000`: the first component, where it looks like a host at all
/// (docker's own rule); 0 where it does not.
std::size_t host_length(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return 0;
    }
    const std::string_view first = text.substr(0, slash);
    return first == "localhost" || first.find_first_of(".:") != std::string_view::npos ? slash : 0;
}

/// A host name or IPv4 address and a port.  It becomes a part of a name in a store, so that it is
/// held to the characters of one.
tl::expected<std::string, Fault> read_host(std::string_view host) {
    const std::size_t colon = std::min(host.find(':'), host.size());
    const auto scanned = scan_name(host.substr(0, colon));
    if (!scanned) {
        return tl::unexpected(scanned.error());
    }
    if (*scanned != colon) {
        return tl::unexpected(Fault{
            *scanned, fmt::format("{} cannot stand in a registry's name", quote(host, *scanned))});
    }
    const std::string_view port = host.substr(colon);
    for (std::size_t at = 1; at < port.size(); ++at) {
        if (!is_digit(port[at])) {
            return tl::unexpected(Fault{
                colon + at, fmt::format("expected a port's digits, found {}", quote(port, at))});
        }
    }
    if (port.size() == 1 || port.size() > 6) {
        return tl::unexpected(Fault{colon + 1, "expected a port of one to five digits"});
    }
    return std::string(host);
}

tl::expected<RegistryImage, Fault> read_registry_image(std::string_view text) {
    RegistryImage image;
    const std::size_t host = host_length(text);
    image.host = kDockerHub;
    if (host != 0) {
        auto read = read_host(text.substr(0, host));
        if (!read) {
            return tl::unexpected(read.error());
        }
        image.host = std::move(*read);
        text.remove_prefix(host + 1);
    }
    auto name = read_name(text);
    if (!name) {
        name.error().at += host == 0 ? 0 : host + 1;
        return tl::unexpected(name.error());
    }
    const bool official = image.host == kDockerHub && name->name.find('/') == std::string::npos;
    image.repository = fmt::format("{}{}", official ? kOfficial : "", name->name);
    image.tag = std::move(name->tag);
    image.digest = std::move(name->digest);
    return image;
}

std::string tag_and_digest(const std::string& tag, const std::string& digest) {
    return fmt::format("{}{}{}{}", tag.empty() ? "" : ":", tag, digest.empty() ? "" : "@", digest);
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
    if (text.starts_with(kRegistry)) {
        auto image = read_registry_image(text.substr(kRegistry.size()));
        if (!image) {
            image.error().at += kRegistry.size();
            return formats::fail_at(kSubject, text, image.error(),
                                    "write docker://[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]");
        }
        return ImageReference(std::move(*image));
    }
    auto name = read_name(text);
    if (!name) {
        return formats::fail_at(
            kSubject, text, name.error(),
            "write NAME[:TAG], NAME@sha256:DIGEST, docker://HOST/NAME[:TAG], an "
            "absolute path, or 'none'");
    }
    return ImageReference(std::move(*name));
}

std::string to_string(const ImageReference& reference) {
    if (const ImagePath* const path = std::get_if<ImagePath>(&reference)) {
        return path->path.value;
    }
    if (const ImageName* const name = std::get_if<ImageName>(&reference)) {
        return name->name + tag_and_digest(name->tag, name->digest);
    }
    if (const RegistryImage* const image = std::get_if<RegistryImage>(&reference)) {
        return fmt::format("{}{}/{}{}", kRegistry, image->host, image->repository,
                           tag_and_digest(image->tag, image->digest));
    }
    return std::string(kNone);
}

ImageName stored_name(const RegistryImage& image) {
    std::string host = image.host;
    std::ranges::replace(host, ':', '-');
    return {fmt::format("{}/{}", host, image.repository), image.tag, ""};
}

}  // namespace lading
