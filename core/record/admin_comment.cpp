// SPDX-License-Identifier: BSD-3-Clause
// The record and a site's own text in one field.
//
// The site's text is never parsed and written again: number formats, the order of keys and spaces
// would change.  The record is spliced in, and cut out again.
#include <algorithm>
#include <optional>

#include "core/formats/strict_json.hpp"
#include "lading/record.hpp"

namespace lading {
namespace {

using nlohmann::json;

constexpr std::string_view kKey = "\"lading\"";
constexpr std::string_view kOpening = R"({"lading":)";
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kMaxBytes = 16U << 20;
/// A text full of openings must not make the search quadratic.
constexpr int kMaxCandidates = 64;

std::optional<json> parse(std::string_view text) {
    auto parsed = formats::parse_strict_json(
        text, {.document = "", .code = Code::usage, .max_bytes = kMaxBytes, .comments = false});
    return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

bool is_space(char c) {
    return kSpace.find(c) != std::string_view::npos;
}

/// Skips a string of valid JSON; `at` is its opening quote.
std::size_t string_end(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return std::min(at + 1, text.size());
}

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// The member `lading` of an object, key and value, in a text that is known to be one.
std::optional<Span> find_member(std::string_view object) {
    int depth = 0;
    std::optional<Span> member;
    for (std::size_t at = 0; at < object.size();) {
        const char c = object[at];
        if (c == '"') {
            const std::size_t end = string_end(object, at);
            const std::size_t next = object.find_first_not_of(kSpace, end);
            if (depth == 1 && object.substr(at, end - at) == kKey &&
                next != std::string_view::npos && object[next] == ':') {
                member = Span{at, 0};
            }
            at = end;
            continue;
        }
        if (member && depth == 1 && (c == ',' || c == '}')) {
            member->end = at;
            return member;
        }
        depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
        ++at;
    }
    return {};
}

/// The object without the member, and without the comma that joined it.
std::string cut_member(std::string_view object, Span member) {
    const std::size_t before = object.find_last_not_of(kSpace, member.begin - 1);
    if (object[before] == ',') {
        member.begin = before;
    } else if (object[member.end] == ',') {
        ++member.end;
    }
    std::string rest(object.substr(0, member.begin));
    return rest.append(object.substr(member.end));
}

/// A value that is valid JSON from its opening brace on: where it ends.
std::size_t object_end(std::string_view text, std::size_t at) {
    int depth = 0;
    while (at < text.size()) {
        if (text[at] == '"') {
            at = string_end(text, at);
            continue;
        }
        depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
        ++at;
        if (depth == 0) {
            break;
        }
    }
    return at;
}

std::optional<JobRecord> read_member(const json& object) {
    const auto member = object.find("lading");
    if (member == object.end()) {
        return {};
    }
    auto record = parse_record(member->dump());
    return record ? std::optional(std::move(*record)) : std::nullopt;
}

AdminComment parse_object(std::string_view text, const json& object) {
    std::optional<JobRecord> record = read_member(object);
    if (!record) {
        return {std::string(text), {}};
    }
    if (object.size() == 1) {
        return {"", std::move(record)};
    }
    const std::optional<Span> member = find_member(text);
    if (!member) {  // the key is there, but written with escapes: not by lading
        return {std::string(text), {}};
    }
    return {cut_member(text, *member), std::move(record)};
}

/// ` {"lading":…}` somewhere in a text of the site, the last one that is a record.
AdminComment parse_embedded(std::string_view text) {
    std::size_t at = text.rfind(kOpening);
    for (int i = 0; i < kMaxCandidates && at != std::string_view::npos; ++i) {
        const std::size_t end = object_end(text, at);
        const bool alone =
            (at == 0 || is_space(text[at - 1])) && (end == text.size() || is_space(text[end]));
        const std::optional<json> object = alone ? parse(text.substr(at, end - at)) : std::nullopt;
        if (object && object->size() == 1) {
            if (std::optional<JobRecord> record = read_member(*object)) {
                std::string site(text.substr(0, at == 0 ? 0 : at - 1));
                return {site.append(text.substr(end)), std::move(record)};
            }
        }
        at = at == 0 ? std::string_view::npos : text.rfind(kOpening, at - 1);
    }
    return {std::string(text), {}};
}

}  // namespace

AdminComment parse_admin_comment(std::string_view text) {
    const std::optional<json> whole = parse(text);
    if (!whole) {
        return parse_embedded(text);
    }
    return whole->is_object() ? parse_object(text, *whole) : AdminComment{std::string(text), {}};
}

std::string format_admin_comment(const AdminComment& comment) {
    if (!comment.record) {
        return comment.site;
    }
    const std::string member = std::string(kKey) + ":" + format_record(*comment.record);
    const std::optional<json> site = parse(comment.site);
    if (site && site->is_object() && !site->empty() && !site->contains("lading")) {
        std::string joined = comment.site;
        return joined.insert(joined.rfind('}'), "," + member);
    }
    return comment.site + (comment.site.empty() ? "{" : " {") + member + "}";
}

}  // namespace lading
