// SPDX-License-Identifier: BSD-3-Clause
// --container-mounts=SRC[:DST[:FLAG[+FLAG…]]][,…]
#include "core/formats/mount_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/formats/absolute_path.hpp"
#include "core/formats/caret.hpp"
#include "core/formats/utf8.hpp"

namespace lading {
namespace {

using formats::Fault;

constexpr std::string_view kSubject = "--container-mounts";
/// Each mount costs the node system calls as root; nobody types more.
constexpr std::size_t kMaxMounts = 256;
constexpr std::size_t kMaxText = 64U << 10;
constexpr std::size_t kShownFlag = 40;

/// One part between `:` or `,`, backslashes taken away, and where each of its bytes stood.
struct Part {
    std::string text;
    std::vector<std::size_t> at;  ///< one more than `text`: the end
    char end = '\0';              ///< `:`, `,`, or NUL at the end of the text
};

tl::expected<Part, Fault> read_part(std::string_view text, std::size_t& at) {
    Part part;
    while (at < text.size() && text[at] != ':' && text[at] != ',') {
        part.at.push_back(at);
        if (text[at] == '\\') {
            if (++at == text.size()) {
                return tl::unexpected(Fault{at - 1, "a backslash with nothing after it"});
            }
        }
        part.text += text[at++];
    }
    part.at.push_back(at);
    if (at < text.size()) {
        part.end = text[at++];
    }
    return part;
}

tl::expected<std::string, Fault> read_path(const Part& part, std::string_view name) {
    if (part.text.empty()) {
        return tl::unexpected(Fault{part.at[0], fmt::format("the {} is empty", name)});
    }
    auto path = formats::clean_absolute_path(part.text);
    if (!path) {
        return tl::unexpected(
            Fault{part.at[path.error().at], fmt::format("{}: {}", name, path.error().what)});
    }
    return std::move(*path);
}

/// `ro`, `rw`, or several joined by `+`, as pyxis writes them.
tl::expected<bool, Fault> read_flags(const Part& part) {
    bool ro = false;
    bool rw = false;
    for (std::size_t at = 0; at <= part.text.size();) {
        const std::size_t end = std::min(part.text.find('+', at), part.text.size());
        const std::string flag = part.text.substr(at, end - at);
        if (flag != "ro" && flag != "rw") {
            return tl::unexpected(
                Fault{part.at[at], fmt::format("unknown flag '{}', expected ro or rw",
                                               formats::printable(flag.substr(0, kShownFlag)))});
        }
        ro = ro || flag == "ro";
        rw = rw || flag == "rw";
        if (ro && rw) {
            return tl::unexpected(Fault{part.at[at], "ro and rw exclude each other"});
        }
        at = end + 1;
    }
    return ro;
}

tl::expected<MountRequest, Fault> read_mount(std::string_view text, std::size_t& at, char& end) {
    MountRequest mount;
    const auto source = read_part(text, at);
    if (!source) {
        return tl::unexpected(source.error());
    }
    auto source_path = read_path(*source, "source");
    if (!source_path) {
        return tl::unexpected(source_path.error());
    }
    mount.source.value = std::move(*source_path);
    mount.target.value = mount.source.value;
    std::size_t target_at = source->at[0];
    end = source->end;
    if (end == ':') {
        const auto target = read_part(text, at);
        if (!target) {
            return tl::unexpected(target.error());
        }
        target_at = target->at[0];
        if (target->text == "ro" || target->text == "rw") {
            return tl::unexpected(Fault{
                target_at, fmt::format("expected a target before the flag '{}'", target->text)});
        }
        auto target_path = read_path(*target, "target");
        if (!target_path) {
            return tl::unexpected(target_path.error());
        }
        mount.target.value = std::move(*target_path);
        end = target->end;
    }
    if (mount.target.value == "/") {
        return tl::unexpected(Fault{target_at, "nothing can be mounted over the container's root"});
    }
    if (end == ':') {
        const auto flags = read_part(text, at);
        if (!flags) {
            return tl::unexpected(flags.error());
        }
        const auto read_only = read_flags(*flags);
        if (!read_only) {
            return tl::unexpected(read_only.error());
        }
        mount.read_only = *read_only;
        end = flags->end;
        if (end == ':') {
            return tl::unexpected(Fault{at - 1, "a mount has three parts at most"});
        }
    }
    return mount;
}

std::string escape(std::string_view path) {
    std::string text;
    for (const char c : path) {
        if (c == '\\' || c == ':' || c == ',') {
            text += '\\';
        }
        text += c;
    }
    return text;
}

}  // namespace

Result<std::vector<MountRequest>> parse_mounts(std::string_view text) {
    constexpr const char* kHint =
        "write SRC:DST[:ro|rw][,...]; a backslash takes ':' and ',' in a path literally";
    if (text.size() > kMaxText) {
        return formats::fail_at(kSubject, text, {kMaxText, "longer than 64 KiB"});
    }
    std::vector<MountRequest> mounts;
    char end = ',';
    for (std::size_t at = 0; end == ',';) {
        if (mounts.size() == kMaxMounts) {
            return formats::fail_at(kSubject, text, {at, "more than 256 mounts"});
        }
        auto mount = read_mount(text, at, end);
        if (!mount) {
            return formats::fail_at(kSubject, text, mount.error(), kHint);
        }
        mounts.push_back(std::move(*mount));
    }
    return mounts;
}

std::string formats::format_mount(const MountRequest& mount) {
    return fmt::format("{}:{}:{}", escape(mount.source.value), escape(mount.target.value),
                       mount.read_only ? "ro" : "rw");
}

}  // namespace lading
