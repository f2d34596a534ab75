// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/injection_cdi.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lading::formats {
namespace {

constexpr std::string_view kVersion = "0.5.0";

/// Without an edit a device is malformed; and a program sees what it was given.
constexpr std::string_view kProfilesVariable = "LADING_PROFILES";

bool is_letter_or_digit(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

CdiMount bind(const HostPath& source, const GuestPath& target, bool directory) {
    return {
        source.value, target.value, "", {"ro", "nosuid", "nodev", directory ? "rbind" : "bind"}};
}

void add_node(const HostPath& source, const GuestPath& target, CdiEdits& edits) {
    const auto known = std::ranges::find(edits.device_nodes, target.value, &CdiDeviceNode::path);
    if (known != edits.device_nodes.end()) {
        return;
    }
    CdiDeviceNode& node = edits.device_nodes.emplace_back();
    node.path = target.value;
    if (source.value != target.value) {
        node.host_path = source.value;
    }
    node.permissions = "rw";
}

void add_libc(const InjectedLibc& libc, const CdiSurroundings& around, CdiEdits& edits) {
    if (libc.version.empty()) {
        return;
    }
    edits.mounts.push_back(bind(around.loader_cache, {std::string(kLoaderCache)}, false));
    for (const GuestPath& target : libc.loaders) {
        edits.mounts.push_back(bind(around.loader, target, false));
    }
}

}  // namespace

CdiSpec cdi_of(const Injection& injection, const CdiSurroundings& around) {
    CdiEdits edits;
    for (const auto& [name, value] : injection.environment) {
        edits.env.push_back(fmt::format("{}={}", name, value));
    }
    edits.env.push_back(
        fmt::format("{}={}", kProfilesVariable, fmt::join(injection.profiles, " ")));
    for (const HostPath& node : around.nodes) {
        add_node(node, {node.value}, edits);
    }
    for (const InjectedMount& mount : injection.mounts) {
        // A device's node works by the runtime's rules for devices, not as a mount without any.
        if (mount.source.value.starts_with("/dev/")) {
            add_node(mount.source, mount.target, edits);
        } else {
            edits.mounts.push_back(
                bind(mount.source, mount.target, around.directories.contains(mount.source)));
        }
    }
    for (const InjectedFile& file : injection.files) {
        for (const GuestPath& target : file.targets) {
            edits.mounts.push_back(bind(file.source, target, false));
        }
    }
    add_libc(injection.libc, around, edits);
    CdiSpec spec;
    spec.version = kVersion;
    spec.kind = kOwnCdiKind;
    spec.devices.push_back({around.device, {}, std::move(edits)});
    return spec;
}

bool is_cdi_device_name(std::string_view name) {
    return !name.empty() && is_letter_or_digit(name.front()) && is_letter_or_digit(name.back()) &&
           std::ranges::all_of(name, [](char character) {
               return is_letter_or_digit(character) ||
                      std::string_view("_-.:").find(character) != std::string_view::npos;
           });
}

std::string cdi_device_name(std::string_view image) {
    while (image.ends_with('/')) {
        image.remove_suffix(1);
    }
    if (image.starts_with('/')) {
        image.remove_prefix(image.rfind('/') + 1);
    }
    std::string name;
    for (const char character : image) {
        const bool kept = is_letter_or_digit(character) || character == '.' || character == '_';
        name += kept ? character : '-';
    }
    const auto first = std::ranges::find_if(name, is_letter_or_digit);
    name.erase(name.begin(), first);
    while (!name.empty() && !is_letter_or_digit(name.back())) {
        name.pop_back();
    }
    return name.empty() ? "image" : name;
}

}  // namespace lading::formats
