// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/formats/cdi.hpp"
#include "core/formats/path_node.hpp"

namespace lading::formats {
namespace {

struct KnownKind {
    std::string_view kind;
    std::string_view provides;
};
constexpr KnownKind kKinds[] = {
    {"nvidia.com/gpu", "cuda"},
    {"amd.com/gpu", "rocm"},
    {"intel.com/gpu", "level-zero"},
};

/// Hooks of nvidia-ctk and nvidia-cdi-hook (nvidia-container-toolkit 1.12 to 1.20) that do nothing
/// which a container here would lack.
constexpr std::string_view kNeedlessHooks[] = {
    "update-ldcache",                    // the cache is written here, for all libraries
    "create-soname-symlinks",            // likewise: libraries are named by their sonames
    "enable-cuda-compat",                // whose libcuda is used is decided with the libraries
    "chmod",                             // /dev is the host's own
    "disable-device-node-modification",  // nobody in here may make device nodes
    "update-application-profile",        // for EGL on several cards
    "apply-cuda-memory-limits",          // acts on containers that ask for a part of a GPU's memory
};
constexpr std::string_view kLinkHook = "create-symlinks";

std::string name_of(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

std::string_view parent_of(std::string_view path) {
    path = path.substr(0, path.rfind('/'));
    return path.substr(path.rfind('/') + 1);
}

/// `libcuda.so`, `libcuda.so.1`, `libcuda.so.550.67`.
bool is_library_name(std::string_view name) {
    const std::size_t at = name.find(".so");
    return name.starts_with("lib") && at != std::string_view::npos &&
           name.find_first_not_of("0123456789.", at + 3) == std::string_view::npos &&
           (at + 3 == name.size() || name[at + 3] == '.');
}

/// The part before the number: `libcuda.so.`
std::string_view stem_of(std::string_view name) {
    return name.substr(0, std::min(name.find(".so") + 4, name.size()));
}

/// Builds the profile of one device, edit by edit.
class Builder {
  public:
    Builder(std::string_view file, Profile profile) : file_(file), profile_(std::move(profile)) {}

    Result<> add(const CdiEdits& edits) {
        if (edits.intel_rdt) {
            return refuse("intelRdt: cache allocation is not lading's to set");
        }
        if (!edits.net_devices.empty()) {
            return refuse("netDevices: lading moves no network devices into containers");
        }
        for (const std::string& entry : edits.env) {
            const std::size_t equals = entry.find('=');
            profile_.environment[entry.substr(0, equals)] = entry.substr(equals + 1);
        }
        for (const CdiDeviceNode& device : edits.device_nodes) {
            TRY(add(device));
        }
        for (const CdiMount& mount : edits.mounts) {
            TRY(add(mount));
        }
        for (const CdiHook& hook : edits.hooks) {
            TRY(add(hook));
        }
        return {};
    }

    Profile finish() {
        name_links();
        return std::move(profile_);
    }

  private:
    tl::unexpected<Error> refuse(std::string what, std::string hint = {}) const {
        return fail(Code::site, fmt::format("{}: {}: {}", file_, profile_.name, what),
                    std::move(hint));
    }

    Result<> add(const CdiDeviceNode& device) {
        const std::string& host = device.host_path.empty() ? device.path : device.host_path;
        if (!host.starts_with("/dev/")) {
            return refuse(
                fmt::format("the device {} is not below /dev on the host", shown_text(host)));
        }
        add_once(profile_.devices, HostPath{host});
        if (host != device.path) {
            add_once(profile_.data, ProfileMount{{host}, {device.path}, true});
        }
        return {};
    }

    Result<> add(const CdiMount& mount) {
        if (mount.type != "" && mount.type != "none" && mount.type != "bind") {
            return refuse(fmt::format("a mount of type '{}' on {}", shown_text(mount.type),
                                      shown_text(mount.container_path)));
        }
        const std::string name = name_of(mount.host_path);
        const std::string shown = name_of(mount.container_path);
        const bool same = mount.host_path == mount.container_path;
        if (is_library_name(name)) {
            ProfileLibrary& library = library_of(mount.host_path);
            if (shown != name) {
                add_once(library.names, shown);
            }
        } else if (same &&
                   (parent_of(mount.host_path) == "bin" || parent_of(mount.host_path) == "sbin")) {
            add_once(profile_.programs, HostPath{mount.host_path});
        } else {
            add_once(profile_.data, ProfileMount{{mount.host_path}, {mount.container_path}, true});
        }
        return {};
    }

    Result<> add(const CdiHook& hook) {
        const std::string program = name_of(hook.path);
        const bool toolkit = program == "nvidia-ctk" || program == "nvidia-cdi-hook";
        std::size_t at = 1;
        if (program == "nvidia-ctk" && hook.args.size() > at && hook.args[at] == "hook") {
            ++at;
        }
        const std::string command = hook.args.size() > at ? hook.args[at] : "";
        if (toolkit && command == kLinkHook) {
            for (std::size_t i = at + 1; i < hook.args.size(); ++i) {
                take_link(hook.args[i]);
            }
            return {};
        }
        if (toolkit && std::ranges::find(kNeedlessHooks, command) != std::end(kNeedlessHooks)) {
            return {};
        }
        return refuse(fmt::format("the hook {}: {} would run as root, and lading runs no hooks",
                                  shown_text(hook.name),
                                  shown_text(hook.args.empty()
                                                 ? hook.path
                                                 : fmt::format("{}", fmt::join(hook.args, " ")))),
                      "describe the device in profiles.d instead: see lading-profile.json(5)");
    }

    /// `libcuda.so.1::/usr/lib64/libcuda.so`, as a word of its own or behind `--link=`.
    void take_link(std::string_view word) {
        word.remove_prefix(word.starts_with("--link=") ? 7 : 0);
        const std::size_t colons = word.find("::");
        if (colons == std::string_view::npos) {
            return;
        }
        std::string target = name_of(word.substr(0, colons));
        std::string link = name_of(word.substr(colons + 2));
        // Links to modules of X and Mesa's, and to devices, are no names of libraries.
        if (is_library_name(target) && is_library_name(link)) {
            links_.emplace_back(std::move(target), std::move(link));
        }
    }

    /// Gives each link's name to the library at the end of the links.
    void name_links() {
        for (const auto& [target, link] : links_) {
            if (ProfileLibrary* const library = behind(target)) {
                for (const std::string& name : {target, link}) {
                    if (name != name_of(library->path.value)) {
                        add_once(library->names, name);
                    }
                }
            }
        }
    }

    ProfileLibrary* behind(std::string name) {
        // As many steps as there are links: they may lead in circles.
        for (std::size_t step = 0; step <= links_.size(); ++step) {
            for (ProfileLibrary& library : profile_.libraries) {
                if (name_of(library.path.value) == name) {
                    return &library;
                }
            }
            const auto further =
                std::ranges::find(links_, name, &std::pair<std::string, std::string>::second);
            if (further == links_.end()) {
                break;
            }
            name = further->first;
        }
        // libcuda.so.1, which ldconfig would make of libcuda.so.550.67.
        for (ProfileLibrary& library : profile_.libraries) {
            const std::string file = name_of(library.path.value);
            if (stem_of(file) == stem_of(name)) {
                return &library;
            }
        }
        return nullptr;
    }

    ProfileLibrary& library_of(const std::string& path) {
        const auto known = std::ranges::find(profile_.libraries, path,
                                             [](const ProfileLibrary& l) { return l.path.value; });
        return known != profile_.libraries.end()
                   ? *known
                   : profile_.libraries.emplace_back(ProfileLibrary{{path}, {}});
    }

    template <typename Element>
    static void add_once(std::vector<Element>& into, Element element) {
        if (std::ranges::find(into, element) == into.end()) {
            into.push_back(std::move(element));
        }
    }

    std::string_view file_;
    Profile profile_;
    std::vector<std::pair<std::string, std::string>> links_;  ///< target, link
};

}  // namespace

Result<std::vector<Profile>> profiles_of(const CdiSpec& spec, std::string_view file) {
    const auto* const known = std::ranges::find(kKinds, spec.kind, &KnownKind::kind);
    std::vector<Profile> profiles;
    if (spec.kind == kOwnCdiKind) {
        return profiles;
    }
    for (const CdiDevice& device : spec.devices) {
        Profile profile;
        profile.name = fmt::format("{}={}", spec.kind, device.name);
        profile.file = file;
        profile.kind = StackKind::gpu;
        profile.provides = known != std::end(kKinds) ? std::string(known->provides) : spec.kind;
        Builder builder(file, std::move(profile));
        TRY(builder.add(spec.edits));
        TRY(builder.add(device.edits));
        profiles.push_back(builder.finish());
    }
    return profiles;
}

}  // namespace lading::formats
