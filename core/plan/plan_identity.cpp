// SPDX-License-Identifier: BSD-3-Clause
// /etc/passwd and /etc/group of the container.
//
// The image's own accounts stay: programs look up `nobody` or `postgres`.  But no line of the image
// may speak for the job's user, whose ids and groups are Slurm's; what the C library would find
// first decides, so that conflicting lines go.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "lading/plan.hpp"

namespace lading {
namespace {

/// Beyond these there is no account of anybody's.
constexpr std::size_t kLineBytes = 4096;
constexpr std::size_t kFieldBytes = 512;
constexpr std::size_t kFileBytes = 4U << 20;

constexpr std::size_t kPasswdFields = 7;
constexpr std::size_t kGroupFields = 4;
constexpr std::size_t kName = 0;
constexpr std::size_t kId = 2;

using Parts = std::vector<std::string_view>;

bool is_control(char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
}

Parts split(std::string_view line) {
    Parts parts;
    for (std::size_t start = 0; start <= line.size();) {
        const std::size_t end = std::min(line.find(':', start), line.size());
        parts.push_back(line.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

/// By value and not by text: the C library reads `01000` as 1000.
std::optional<std::uint32_t> read_id(std::string_view text) {
    std::uint32_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(id)
                                                                    : std::nullopt;
}

struct Line {
    std::string_view name;
    std::uint32_t id = 0;
};

/// Nothing for comments, NIS entries (`+`, `-`) and damage.
std::optional<Line> read_line(std::string_view line, std::size_t fields) {
    if (line.empty() || line.size() > kLineBytes || std::ranges::any_of(line, is_control)) {
        return {};
    }
    const Parts parts = split(line);
    if (parts.size() != fields || parts[kName].empty() ||
        std::string_view("+-# ").find(parts[kName].front()) != std::string_view::npos) {
        return {};
    }
    const std::optional<std::uint32_t> id = read_id(parts[kId]);
    if (!id || (fields == kPasswdFields && !read_id(parts[kId + 1]))) {
        return {};
    }
    return Line{parts[kName], *id};
}

/// The image's lines whose names and ids nobody has taken, each name once.
std::string keep_lines(std::string_view text, std::size_t fields, std::set<std::string> names,
                       const std::set<std::uint32_t>& ids) {
    std::string kept;
    while (!text.empty()) {
        const std::string_view whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), whole.size() + 1));
        const std::optional<Line> line = read_line(whole, fields);
        if (!line || ids.contains(line->id) || kept.size() + whole.size() > kFileBytes) {
            continue;
        }
        if (names.emplace(line->name).second) {
            kept += whole;
            kept += '\n';
        }
    }
    return kept;
}

/// A field of the host's name service must make neither two fields nor two lines here.
std::string field(std::string_view text, std::string_view otherwise) {
    std::string clean(text.substr(0, kFieldBytes));
    std::ranges::replace_if(
        clean, [](char c) { return c == ':' || is_control(c); }, '_');
    return clean.empty() ? std::string(otherwise) : clean;
}

/// A name also must not look like a NIS entry or a comment.
std::string name_field(std::string_view text, std::string_view otherwise) {
    std::string name = field(text, otherwise);
    if (std::string_view("+-# ").find(name.front()) != std::string_view::npos) {
        name.front() = '_';
    }
    return name;
}

/// The user's groups by id, the primary one among them.  A group without a name gets one of its
/// number, so that `id` and `ls` have something to print.
std::vector<Group> named_groups(const User& user) {
    std::vector<Group> groups;
    std::set<std::string> names;
    const auto add = [&](gid_t gid, const std::string& given) {
        if (std::ranges::any_of(groups, [&](const Group& g) { return g.gid == gid; })) {
            return;
        }
        std::string name = name_field(given, fmt::format("gid{}", gid));
        if (!names.insert(name).second) {  // two groups of one name: the second by its number
            name = fmt::format("gid{}", gid);
            names.insert(name);
        }
        groups.push_back({gid, std::move(name)});
    };
    for (const Group& group : user.groups) {
        add(group.gid, group.name);
    }
    add(user.gid, "");
    return groups;
}

}  // namespace

IdentityFiles plan_identity(const User& user, std::string_view image_passwd,
                            std::string_view image_group) {
    const std::string name = name_field(user.name, std::to_string(user.uid));
    IdentityFiles files;
    files.passwd = keep_lines(image_passwd, kPasswdFields, {name}, {user.uid});
    files.passwd +=
        fmt::format("{}:x:{}:{}:{}:{}:{}\n", name, user.uid, user.gid, field(user.gecos, ""),
                    field(user.home, "/"), field(user.shell, "/bin/sh"));

    const std::vector<Group> groups = named_groups(user);
    std::set<std::string> names;
    std::set<std::uint32_t> ids;
    for (const Group& group : groups) {
        names.insert(group.name);
        ids.insert(group.gid);
    }
    files.group = keep_lines(image_group, kGroupFields, std::move(names), ids);
    for (const Group& group : groups) {
        // Primary membership stands in passwd.
        files.group +=
            fmt::format("{}:x:{}:{}\n", group.name, group.gid, group.gid == user.gid ? "" : name);
    }
    return files;
}

}  // namespace lading
