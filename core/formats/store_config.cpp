// SPDX-License-Identifier: BSD-3-Clause
// What lading.json says of stores: `stores`, and the `mount` that image files have as well.
#include "core/formats/store_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/formats/path_node.hpp"
#include "core/formats/utf8.hpp"

namespace lading::formats {
namespace {

struct MountByName {
    std::string_view name;
    MountBy value;
};
constexpr MountByName kMountBy[] = {
    {"auto", MountBy::automatic},
    {"kernel", MountBy::kernel},
    {"squashfuse", MountBy::squashfuse},
};

/// `registry.example.org`, `docker.io/library`, `localhost:5000/group`
Result<std::string> read_registry(const JsonNode& node) {
    const std::string text = TRY(node.text());
    const auto parsed = parse_image_reference(
        fmt::format("docker://{}{}", text, text.find('/') == std::string::npos ? "/any" : ""));
    const std::size_t slash = std::min(text.find('/'), text.size());
    if (!parsed || text.find('@') != std::string::npos ||
        text.find(':', slash) != std::string::npos ||
        std::get<RegistryImage>(*parsed).host != text.substr(0, slash)) {
        return node.fail(
            fmt::format("expected HOST[:PORT][/REPOSITORY…], found '{}'", shown_text(text)));
    }
    return text;
}

Result<> read_policy(const JsonNode& node, ImportPolicy& policy) {
    return node.read_object({
        {"files",
         [&](const JsonNode& n) -> Result<> {
             policy.files = TRY(n.boolean());
             return {};
         }},
        {"registries",
         [&](const JsonNode& n) -> Result<> {
             policy.registries.emplace();
             for (const JsonNode& item : TRY(n.items())) {
                 policy.registries->push_back(TRY(read_registry(item)));
             }
             return {};
         }},
        {"users",
         [&](const JsonNode& n) -> Result<> {
             policy.users = TRY(n.texts());
             return {};
         }},
        {"groups",
         [&](const JsonNode& n) -> Result<> {
             policy.groups = TRY(n.texts());
             return {};
         }},
        {"signatures",
         [&](const JsonNode& n) -> Result<> {
             policy.signatures = TRY(check_clean_path(n, TRY(n.text())));
             return {};
         }},
    });
}

Result<> read_store(const JsonNode& node, StoreConfig& store) {
    return node.read_object({
        {"path",
         [&](const JsonNode& n) -> Result<> {
             const std::string text = TRY(n.text());
             const bool home = text.starts_with("~/");
             store.path = TRY(check_clean_path(n, home ? std::string_view(text).substr(1) : text));
             if (store.path == "/") {
                 return n.fail("expected a directory of its own for the store");
             }
             store.path.insert(0, home ? "~" : "");
             return {};
         },
         true},
        {"mount", [&](const JsonNode& n) { return read_mount_by(n, store.mount_by); }},
        {"import", [&](const JsonNode& n) { return read_policy(n, store.import); }},
    });
}

}  // namespace

Result<> read_mount_by(const JsonNode& node, MountBy& into) {
    const std::string text = TRY(node.text());
    for (const MountByName& known : kMountBy) {
        if (known.name == text) {
            into = known.value;
            return {};
        }
    }
    return node.fail(
        fmt::format("expected auto, kernel or squashfuse, found '{}'", shown_text(text)));
}

Result<> read_stores(const JsonNode& node, std::vector<StoreConfig>& stores) {
    stores.clear();
    std::set<std::string> paths;
    for (const JsonNode& item : TRY(node.items())) {
        StoreConfig store;
        TRY(read_store(item, store));
        if (!paths.insert(store.path).second) {
            return node.fail(fmt::format("the store {} is given twice", shown_text(store.path)));
        }
        stores.push_back(std::move(store));
    }
    return {};
}

}  // namespace lading::formats

namespace lading {

std::string store_path(const StoreConfig& store, const std::string& home) {
    if (!store.path.starts_with("~/")) {
        return store.path;
    }
    return home.starts_with('/') && home != "/" ? home + store.path.substr(1) : "";
}

}  // namespace lading
