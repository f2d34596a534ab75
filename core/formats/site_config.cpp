// SPDX-License-Identifier: BSD-3-Clause
// /etc/lading/lading.json.  Its keys also stand in etc/lading/lading.schema.json and in
// lading.json(5); a unit test holds the schema to this reader.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/formats/absolute_path.hpp"
#include "core/formats/environment_names.hpp"
#include "core/formats/namespaces.hpp"
#include "core/formats/path_node.hpp"
#include "core/formats/store_config.hpp"
#include "core/formats/strict_json.hpp"
#include "core/formats/utf8.hpp"
#include "lading/site.hpp"

namespace lading {
namespace {

using formats::JsonNode;

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr std::uint64_t kLeastScratch = 4096;  // a page; a tmpfs of size 0 would have no bound
constexpr std::uint64_t kMostScratch = std::uint64_t{1} << 50;

struct SizeUnit {
    std::string_view name;
    unsigned shift;
};
constexpr SizeUnit kUnits[] = {{"K", 10}, {"M", 20}, {"G", 30}, {"T", 40}};

Result<> read(const JsonNode& node, bool& into) {
    into = TRY(node.boolean());
    return {};
}

template <typename Path>
Result<> read(const JsonNode& node, Path& into) requires requires {
    into.value;
}
{
    into.value = TRY(formats::check_clean_path(node, TRY(node.text())));
    return {};
}

Result<> refuse_root(const JsonNode& node, std::string_view path) {
    return path == "/" ? node.fail("'/' is the container's root itself") : Result<>();
}

Result<> read(const JsonNode& node, SiteMount& mount) {
    TRY(node.read_object({
        {"source", [&](const JsonNode& n) { return read(n, mount.source); }, true},
        {"target",
         [&](const JsonNode& n) -> Result<> {
             TRY(read(n, mount.target));
             return refuse_root(n, mount.target.value);
         }},
        {"read_only", [&](const JsonNode& n) { return read(n, mount.read_only); }},
        {"required", [&](const JsonNode& n) { return read(n, mount.required); }},
    }));
    if (mount.target.value.empty()) {
        mount.target.value = mount.source.value;
        return refuse_root(node, mount.target.value);
    }
    return {};
}

/// An array, each of whose elements `read` takes.
template <typename Element>
Result<> read_each(const JsonNode& node, std::vector<Element>& into) {
    into.clear();
    for (const JsonNode& item : TRY(node.items())) {
        Element element;
        TRY(read(item, element));
        into.push_back(std::move(element));
    }
    return {};
}

Result<> read_added_mounts(const JsonNode& node, SiteConfig& site) {
    TRY(read_each(node, site.mounts));
    std::set<std::string> targets;
    for (const SiteMount& mount : site.mounts) {
        if (!targets.insert(mount.target.value).second) {
            return node.fail(
                fmt::format("two mounts on {}", formats::shown_text(mount.target.value)));
        }
    }
    return {};
}

Result<> read_image_files(const JsonNode& node, SiteConfig& site) {
    return node.read_object({
        {"allow", [&](const JsonNode& n) { return read(n, site.path_images); }},
        {"mount",
         [&](const JsonNode& n) { return formats::read_mount_by(n, site.path_images_by); }},
    });
}

Result<> read_mounts(const JsonNode& node, SiteConfig& site) {
    return node.read_object({
        {"add", [&](const JsonNode& n) { return read_added_mounts(n, site); }},
        {"home", [&](const JsonNode& n) { return read(n, site.mount_home); }},
        {"user", [&](const JsonNode& n) { return read(n, site.user_mounts); }},
        {"forbid_sources", [&](const JsonNode& n) { return read_each(n, site.forbidden_sources); }},
        {"forbid_targets", [&](const JsonNode& n) { return read_each(n, site.forbidden_targets); }},
    });
}

/// `512M`, `2G`, or `10%` of the node's memory.
Result<> read_size(const JsonNode& node, SiteConfig& site) {
    const std::string text = TRY(node.text());
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit =
        std::string_view(text).substr(static_cast<std::size_t>(rest - text.data()));
    if (error == std::errc{} && unit == "%") {
        if (number < 1 || number > 100) {
            return node.fail(fmt::format("expected 1% to 100% of memory, found '{}'",
                                         formats::shown_text(text)));
        }
        site.scratch_bytes = 0;
        site.scratch_percent = static_cast<unsigned>(number);
        return {};
    }
    const auto known = std::ranges::find(kUnits, unit, &SizeUnit::name);
    if (error != std::errc{} || known == std::end(kUnits)) {
        return node.fail(fmt::format("expected a size such as '512M', '2G' or '10%', found '{}'",
                                     formats::shown_text(text)));
    }
    if (number > (kMostScratch >> known->shift) || (number << known->shift) < kLeastScratch) {
        return node.fail(
            fmt::format("expected 4K to 1024T, found '{}'", formats::shown_text(text)));
    }
    site.scratch_bytes = number << known->shift;
    return {};
}

Result<> read_writable(const JsonNode& node, SiteConfig& site) {
    TRY(node.read_object({
        {"default", [&](const JsonNode& n) { return read(n, site.writable); }},
        {"allow", [&](const JsonNode& n) { return read(n, site.allow_writable); }},
        {"size", [&](const JsonNode& n) { return read_size(n, site); }},
    }));
    if (site.writable && !site.allow_writable) {
        return node.fail("'default' is true although 'allow' is false",
                         "no container could start: set one of them the other way");
    }
    return {};
}

Result<> read_unshare(const JsonNode& node, SiteConfig& site) {
    for (const JsonNode& item : TRY(node.items())) {
        const std::string name = TRY(item.text());
        if (!formats::set_namespace(site.unshare, name)) {
            return item.fail(fmt::format("expected pid, ipc, net or uts, found '{}'",
                                         formats::shown_text(name)));
        }
    }
    return {};
}

Result<> read_set_variables(const JsonNode& node, SiteConfig& site) {
    for (const auto& [name, value] : TRY(node.members())) {
        if (!formats::is_environment_name(name)) {
            return value.fail("not the name of an environment variable");
        }
        site.environment[name] = TRY(value.text());
    }
    return {};
}

/// A name, or a beginning of names and `*`.
Result<> read_pass_patterns(const JsonNode& node, SiteConfig& site) {
    for (const JsonNode& item : TRY(node.items())) {
        const std::string text = TRY(item.text());
        const std::string_view stem =
            std::string_view(text).substr(0, text.size() - (text.ends_with('*') ? 1 : 0));
        if (!formats::is_environment_name(stem)) {
            return item.fail(
                fmt::format("expected the name of a variable, or its beginning and '*', found '{}'",
                            formats::shown_text(text)));
        }
        site.pass_environment.push_back(text);
    }
    return {};
}

Result<> read_environment(const JsonNode& node, SiteConfig& site) {
    return node.read_object({
        {"set", [&](const JsonNode& n) { return read_set_variables(n, site); }},
        {"pass", [&](const JsonNode& n) { return read_pass_patterns(n, site); }},
    });
}

Result<> read_seccomp(const JsonNode& node, SiteConfig& site) {
    site.seccomp = TRY(node.text());
    if (site.seccomp == "default" || site.seccomp == "none") {
        return {};
    }
    if (!site.seccomp.starts_with('/')) {
        return node.fail(
            fmt::format("expected 'default', 'none' or a profile's absolute path, "
                        "found '{}'",
                        formats::shown_text(site.seccomp)));
    }
    return formats::check_clean_path(node, site.seccomp).map([](const std::string&) {});
}

Result<> read_directories(const JsonNode& node, std::vector<std::string>& into) {
    into.clear();
    for (const JsonNode& item : TRY(node.items())) {
        into.push_back(TRY(formats::check_clean_path(item, TRY(item.text()))));
    }
    return {};
}

Result<> read_inject(const JsonNode& node, SiteConfig& site) {
    return node.read_object({
        {"profiles",
         [&](const JsonNode& n) -> Result<> {
             site.profiles = TRY(formats::check_clean_path(n, TRY(n.text())));
             return {};
         }},
        {"cdi", [&](const JsonNode& n) { return read_directories(n, site.cdi); }},
        {"default",
         [&](const JsonNode& n) -> Result<> {
             const std::string text = TRY(n.text());
             if (text != "auto" && text != "none") {
                 return n.fail(
                     fmt::format("expected auto or none, found '{}'", formats::shown_text(text)));
             }
             site.inject = TRY(parse_inject(text));
             return {};
         }},
        {"on_mismatch",
         [&](const JsonNode& n) -> Result<> {
             const std::string text = TRY(n.text());
             const auto action = parse_on_mismatch(text);
             if (!action) {
                 return n.fail(fmt::format("expected refuse, warn or none, found '{}'",
                                           formats::shown_text(text)));
             }
             site.on_mismatch = *action;
             return {};
         }},
    });
}

Result<> read_site(const JsonNode& node, SiteConfig& site) {
    return node.read_object({
        {"$schema", [](const JsonNode& n) { return n.text().map([](const std::string&) {}); }},
        {"stores", [&](const JsonNode& n) { return formats::read_stores(n, site.stores); }},
        {"shared_layers",
         [&](const JsonNode& n) -> Result<> {
             const std::string text = TRY(n.text());
             site.shared_layers = text.empty() ? text : TRY(formats::check_clean_path(n, text));
             return {};
         }},
        {"image_files", [&](const JsonNode& n) { return read_image_files(n, site); }},
        {"mounts", [&](const JsonNode& n) { return read_mounts(n, site); }},
        {"writable", [&](const JsonNode& n) { return read_writable(n, site); }},
        {"namespaces",
         [&](const JsonNode& n) {
             return n.read_object(
                 {{"unshare", [&](const JsonNode& inner) { return read_unshare(inner, site); }}});
         }},
        {"environment", [&](const JsonNode& n) { return read_environment(n, site); }},
        {"seccomp", [&](const JsonNode& n) { return read_seccomp(n, site); }},
        {"inject", [&](const JsonNode& n) { return read_inject(n, site); }},
        {"squashfuse",
         [&](const JsonNode& n) -> Result<> {
             site.squashfuse = TRY(formats::check_clean_path(n, TRY(n.text())));
             return {};
         }},
        {"record", [&](const JsonNode& n) { return read(n, site.record); }},
    });
}

}  // namespace

Result<SiteConfig> parse_site_config(std::string_view text, std::string_view file) {
    const formats::JsonRules rules{file, Code::site, kMaxBytes, true};
    const nlohmann::json document = TRY(formats::parse_strict_json(text, rules));
    SiteConfig site;
    Result<> done = read_site(JsonNode(document, rules), site);
    if (!done) {
        Error error = std::move(done).error();
        if (error.hint.empty()) {
            error.hint = "the administrator mends it: see lading.json(5)";
        }
        return tl::unexpected<Error>(std::move(error));
    }
    return site;
}

}  // namespace lading
