// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/cdi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/formats/environment_names.hpp"
#include "core/formats/path_node.hpp"
#include "core/formats/yaml.hpp"

namespace lading::formats {
namespace {

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr std::uint64_t kMaxId = 0xFFFFFFFF;
constexpr std::uint64_t kMaxSeconds = 0x7FFFFFFF;

constexpr std::string_view kAlnum =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// In their order; what a field needs is an index into it.
constexpr std::string_view kVersions[] = {"0.3.0", "0.4.0", "0.5.0", "0.6.0",
                                          "0.7.0", "0.8.0", "1.0.0", "1.1.0"};
enum Since : std::size_t { v0_3 = 0, v0_4 = 1, v0_5 = 2, v0_6 = 3, v0_7 = 4, v1_1 = 7 };

bool all_of(std::string_view text, std::string_view letters, std::string_view punctuation) {
    return text.find_first_not_of(std::string(letters).append(punctuation)) ==
           std::string_view::npos;
}

/// Begins with one of `first`, ends with a letter or digit, has these and `between` in it.
bool is_identifier(std::string_view text, std::string_view first, std::string_view between,
                   std::size_t longest) {
    return !text.empty() && text.size() <= longest && first.find(text.front()) != text.npos &&
           kAlnum.find(text.back()) != text.npos && all_of(text, kAlnum, between);
}

/// Reads one specification.  Version first: later fields are judged by it.
class Reader {
  public:
    Result<CdiSpec> read(const JsonNode& top) {
        CdiSpec spec;
        TRY(read_version(top, spec));
        TRY(top.read_object({
            {"cdiVersion", [](const JsonNode&) { return Result<>(); }, true},
            {"kind", [&](const JsonNode& n) { return read_kind(n, spec.kind); }, true},
            {"annotations",
             [&](const JsonNode& n) { return read_annotations(n, spec.annotations); }},
            {"devices", [&](const JsonNode& n) { return read_devices(n, spec.devices); }, true},
            {"containerEdits", [&](const JsonNode& n) { return read_edits(n, spec.edits); }},
        }));
        return spec;
    }

  private:
    Result<> read_version(const JsonNode& top, CdiSpec& spec) {
        for (const auto& [key, node] : TRY(top.members())) {
            if (key != "cdiVersion") {
                continue;
            }
            spec.version = TRY(node.text());
            const auto* const known = std::ranges::find(kVersions, spec.version);
            if (known == std::end(kVersions)) {
                return node.fail(
                    fmt::format("expected 0.3.0 to 1.1.0, found '{}'", shown_text(spec.version)));
            }
            version_ = static_cast<std::size_t>(known - std::begin(kVersions));
        }
        return {};
    }

    /// The specification: loading fails where a field is younger than the version that is said.
    Result<> since(const JsonNode& node, std::size_t least) const {
        return version_ >= least ? Result<>()
                                 : node.fail(fmt::format("not before CDI {}, this file says {}",
                                                         kVersions[least], kVersions[version_]));
    }

    Result<> read_kind(const JsonNode& node, std::string& kind) const {
        kind = TRY(node.text());
        const std::size_t slash = kind.find('/');
        const std::string_view vendor = std::string_view(kind).substr(0, slash);
        const std::string_view name =
            slash == kind.npos ? "" : std::string_view(kind).substr(slash + 1);
        if (!is_identifier(vendor, kAlnum, "._-", 253) ||
            !is_identifier(name, kLetters, "._-", 63)) {
            return node.fail(fmt::format("expected vendor/class, found '{}'", shown_text(kind)));
        }
        return name.find('.') == name.npos ? Result<>() : since(node, v0_6);
    }

    Result<> read_annotations(const JsonNode& node,
                              std::map<std::string, std::string>& into) const {
        TRY(since(node, v0_6));
        for (const auto& [key, value] : TRY(node.members())) {
            into[key] = TRY(value.text());
        }
        return {};
    }

    Result<> read_devices(const JsonNode& node, std::vector<CdiDevice>& into) const {
        std::set<std::string> names;
        for (const JsonNode& item : TRY(node.items())) {
            CdiDevice device;
            TRY(item.read_object({
                {"name", [&](const JsonNode& n) { return read_name(n, device.name); }, true},
                {"annotations",
                 [&](const JsonNode& n) { return read_annotations(n, device.annotations); }},
                {"containerEdits", [&](const JsonNode& n) { return read_edits(n, device.edits); }},
            }));
            if (!names.insert(device.name).second) {
                return item.fail(
                    fmt::format("the device '{}' is given twice", shown_text(device.name)));
            }
            into.push_back(std::move(device));
        }
        return into.empty() ? node.fail("expected at least one device") : Result<>();
    }

    Result<> read_name(const JsonNode& node, std::string& name) const {
        name = TRY(node.text());
        if (!is_identifier(name, kAlnum, "._-:", 255)) {
            return node.fail(fmt::format("expected a device's name, found '{}'", shown_text(name)));
        }
        return kLetters.find(name.front()) != kLetters.npos ? Result<>() : since(node, v0_5);
    }

    Result<> read_edits(const JsonNode& node, CdiEdits& edits) const {
        return node.read_object({
            {"env", [&](const JsonNode& n) { return read_environment(n, edits.env); }},
            {"deviceNodes",
             [&](const JsonNode& n) {
                 return each(n, edits.device_nodes, &Reader::read_device_node);
             }},
            {"mounts",
             [&](const JsonNode& n) { return each(n, edits.mounts, &Reader::read_mount); }},
            {"hooks", [&](const JsonNode& n) { return each(n, edits.hooks, &Reader::read_hook); }},
            {"additionalGids",
             [&](const JsonNode& n) -> Result<> {
                 TRY(since(n, v0_7));
                 return each(n, edits.additional_gids, &Reader::read_id);
             }},
            {"intelRdt",
             [&](const JsonNode& n) -> Result<> {
                 TRY(since(n, v0_7));
                 return read_rdt(n, edits.intel_rdt.emplace());
             }},
            {"netDevices",
             [&](const JsonNode& n) -> Result<> {
                 TRY(since(n, v1_1));
                 return each(n, edits.net_devices, &Reader::read_net_device);
             }},
        });
    }

    template <typename Element>
    Result<> each(const JsonNode& node, std::vector<Element>& into,
                  Result<> (Reader::*read_one)(const JsonNode&, Element&) const) const {
        for (const JsonNode& item : TRY(node.items())) {
            Element element{};
            TRY((this->*read_one)(item, element));
            into.push_back(std::move(element));
        }
        return {};
    }

    static JsonNode::Key text(const char* name, std::string& into, bool required = false) {
        return {name,
                [&into](const JsonNode& n) -> Result<> {
                    into = TRY(n.text());
                    return {};
                },
                required};
    }

    static JsonNode::Key path(const char* name, std::string& into, bool required = false) {
        return {name,
                [&into](const JsonNode& n) -> Result<> {
                    into = TRY(read_clean_path(n));
                    return {};
                },
                required};
    }

    static JsonNode::Key number(const char* name, std::optional<std::uint64_t>& into,
                                std::uint64_t most) {
        return {name, [&into, most](const JsonNode& n) -> Result<> {
                    into = TRY(n.number());
                    return *into <= most ? Result<>()
                                         : n.fail(fmt::format("expected at most {}", most));
                }};
    }

    static Result<> read_environment(const JsonNode& node, std::vector<std::string>& into) {
        for (const JsonNode& item : TRY(node.items())) {
            std::string entry = TRY(item.text());
            const std::size_t equals = entry.find('=');
            if (equals == entry.npos ||
                !is_environment_name(std::string_view(entry).substr(0, equals))) {
                return item.fail(fmt::format("expected NAME=VALUE, found '{}'", shown_text(entry)));
            }
            into.push_back(std::move(entry));
        }
        return {};
    }

    static Result<> read_texts(const JsonNode& node, std::vector<std::string>& into) {
        into = TRY(node.texts());
        return {};
    }

    Result<> read_id(const JsonNode& node, std::uint64_t& id) const {
        id = TRY(node.number());
        return id <= kMaxId ? Result<>() : node.fail(fmt::format("expected at most {}", kMaxId));
    }

    Result<> read_device_node(const JsonNode& node, CdiDeviceNode& device) const {
        return node.read_object({
            path("path", device.path, true),
            {"hostPath",
             [&](const JsonNode& n) -> Result<> {
                 TRY(since(n, v0_5));
                 device.host_path = TRY(read_clean_path(n));
                 return {};
             }},
            {"type",
             [&](const JsonNode& n) -> Result<> {
                 device.type = TRY(n.text());
                 return std::string_view("bcup").find(device.type) != std::string_view::npos &&
                                device.type.size() <= 1
                            ? Result<>()
                            : n.fail("expected b, c, u or p");
             }},
            number("major", device.major, kMaxId),
            number("minor", device.minor, kMaxId),
            number("fileMode", device.file_mode, kMaxId),
            {"permissions",
             [&](const JsonNode& n) -> Result<> {
                 device.permissions = TRY(n.text());
                 return all_of(device.permissions, "rwm", "") ? Result<>()
                                                              : n.fail("expected r, w and m");
             }},
            number("uid", device.uid, kMaxId),
            number("gid", device.gid, kMaxId),
        });
    }

    Result<> read_mount(const JsonNode& node, CdiMount& mount) const {
        return node.read_object({
            path("hostPath", mount.host_path, true),
            path("containerPath", mount.container_path, true),
            {"type",
             [&](const JsonNode& n) -> Result<> {
                 TRY(since(n, v0_4));
                 mount.type = TRY(n.text());
                 return {};
             }},
            {"options", [&](const JsonNode& n) { return read_texts(n, mount.options); }},
        });
    }

    Result<> read_hook(const JsonNode& node, CdiHook& hook) const {
        return node.read_object({
            text("hookName", hook.name, true),
            path("path", hook.path, true),
            {"args", [&](const JsonNode& n) { return read_texts(n, hook.args); }},
            {"env", [&](const JsonNode& n) { return read_environment(n, hook.env); }},
            number("timeout", hook.timeout, kMaxSeconds),
        });
    }

    Result<> read_rdt(const JsonNode& node, CdiIntelRdt& rdt) const {
        const auto until_1_0 = [this](const char* name, bool& into) -> JsonNode::Key {
            return {name, [this, name, &into](const JsonNode& n) -> Result<> {
                        into = TRY(n.boolean());
                        return version_ < v1_1
                                   ? Result<>()
                                   : n.fail(fmt::format("CDI 1.1.0 has no {} any more", name));
                    }};
        };
        return node.read_object({
            text("closID", rdt.clos_id),
            text("l3CacheSchema", rdt.l3_cache_schema),
            text("memBwSchema", rdt.mem_bw_schema),
            {"schemata",
             [&](const JsonNode& n) -> Result<> {
                 TRY(since(n, v1_1));
                 return read_texts(n, rdt.schemata);
             }},
            {"enableMonitoring",
             [&](const JsonNode& n) -> Result<> {
                 TRY(since(n, v1_1));
                 rdt.enable_monitoring = TRY(n.boolean());
                 return {};
             }},
            until_1_0("enableCMT", rdt.enable_cmt),
            until_1_0("enableMBM", rdt.enable_mbm),
        });
    }

    Result<> read_net_device(const JsonNode& node, CdiNetDevice& device) const {
        return node.read_object({
            text("hostInterfaceName", device.host_interface_name, true),
            text("name", device.name, true),
        });
    }

    std::size_t version_ = v0_3;
};

}  // namespace

Result<CdiSpec> parse_cdi(std::string_view text, std::string_view file) {
    const JsonRules rules{file, Code::site, kMaxBytes, false};
    const nlohmann::json document = TRY(file.ends_with(".json") ? parse_strict_json(text, rules)
                                                                : parse_strict_yaml(text, rules));
    Result<CdiSpec> spec = Reader().read(JsonNode(document, rules));
    if (!spec && spec.error().hint.empty()) {
        spec.error().hint =
            "the vendor's tool writes it anew, for instance nvidia-ctk cdi generate";
    }
    return spec;
}

}  // namespace lading::formats
