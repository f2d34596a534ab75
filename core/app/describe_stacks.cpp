// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/describe_stacks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace lading::app {
namespace {

/// `libmpi.so.12`, and not `libmpi.so` or `libmpi.so.12.1.0`: what a program's DT_NEEDED may say.
bool is_soname(std::string_view name) {
    const std::size_t at = name.find(".so.");
    return name.starts_with("lib") && at != std::string_view::npos && at + 4 < name.size() &&
           name.find_first_not_of("0123456789", at + 4) == std::string_view::npos;
}

/// `mpich` of the loader's places; below /opt/mpich-4.2 `mpich-4.2`, below /opt/site `mpich-site`.
std::string place_name(const std::string& stack, const LibraryPlace& place) {
    std::string last = name_of(place.prefix);
    std::erase_if(last, [](char c) {
        return !(c == '.' || c == '_' || c == '+' || c == '-' || (c >= '0' && c <= '9') ||
                 (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    });
    if (last.empty()) {
        return stack;
    }
    return last.starts_with(stack) ? last : stack + '-' + last;
}

/// Which profile a library belongs to, by its path.
using Owners = std::map<std::string, std::string>;

/// Walks what a profile's files need, and what that needs, up to libraries of other profiles:
/// those come along.
class Companions {
  public:
    Companions(const HostFiles& host, const std::vector<LibraryPlace>& places, const Owners& owners,
               const Profile& profile)
        : host_(host), places_(places), owners_(owners), profile_(profile) {}

    std::vector<std::string> find(const LibraryPlace& place) {
        for (const ProfileLibrary& library : profile_.libraries) {
            visit(library.path.value);
        }
        for (const ProfileMount& mount : profile_.plugins) {
            for (const std::string& name : host_.list(mount.source.value)) {
                if (name.find(".so") != std::string::npos) {
                    visit(mount.source.value + '/' + name);
                }
            }
        }
        while (!open_.empty()) {
            const std::string soname = open_.back();
            open_.pop_back();
            if (const std::string path = where(soname, place); !path.empty()) {
                const auto owner = owners_.find(path);
                if (owner == owners_.end()) {
                    visit(path);
                } else if (owner->second != profile_.name) {
                    found_.insert(owner->second);
                }
            }
        }
        return {found_.begin(), found_.end()};
    }

  private:
    std::string where(const std::string& soname, const LibraryPlace& place) const {
        for (const LibraryPlace* const at : {&place, &places_.front()}) {
            if (const auto found = at->paths.find(soname); found != at->paths.end()) {
                return found->second;
            }
        }
        return {};
    }

    void visit(const std::string& path) {
        const auto facts = host_.library(path);
        for (const std::string& needed : facts ? facts->needed : std::vector<std::string>{}) {
            if (seen_.insert(needed).second) {
                open_.push_back(needed);
            }
        }
    }

    const HostFiles& host_;
    const std::vector<LibraryPlace>& places_;
    const Owners& owners_;
    const Profile& profile_;
    std::set<std::string> seen_;
    std::vector<std::string> open_;
    std::set<std::string> found_;
};

struct Placed {
    Profile profile;
    const LibraryPlace* place = nullptr;
};

void add_companions(const HostFiles& host, const std::vector<LibraryPlace>& places,
                    std::vector<Placed>& found) {
    Owners owners;
    for (const Placed& placed : found) {
        // UCX has a module for each GPU stack that there is: that must not bring the stack along.
        if (placed.profile.kind == StackKind::gpu) {
            continue;
        }
        for (const ProfileLibrary& library : placed.profile.libraries) {
            // libmpi_abi.so.1 may stand in two: the flavour's own profile comes first.
            owners.emplace(library.path.value, placed.profile.name);
        }
    }
    for (Placed& placed : found) {
        if (placed.profile.kind != StackKind::gpu) {
            placed.profile.with =
                Companions(host, places, owners, placed.profile).find(*placed.place);
        }
    }
}

}  // namespace

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string Surveyor::find(const std::string& name) const {
    const auto found = place_.paths.find(name);
    return found != place_.paths.end() && host_.exists(found->second) ? found->second : "";
}

ProfileLibrary Surveyor::describe(const std::string& path,
                                  const std::vector<std::string>& also) const {
    ProfileLibrary library{{path}, {}};
    const std::string real = host_.resolve(path);
    const auto facts = host_.library(path);
    std::set<std::string> names(also.begin(), also.end());
    for (const std::string& name : host_.list(directory_of(path))) {
        if (is_soname(name) && host_.resolve(directory_of(path) + '/' + name) == real) {
            names.insert(name);
        }
    }
    names.erase(name_of(path));
    if (facts) {
        names.erase(facts->soname);
    }
    library.names.assign(names.begin(), names.end());
    return library;
}

void Surveyor::add_libraries(Profile& profile, const std::vector<std::string>& names) const {
    for (const std::string& name : names) {
        if (const std::string path = find(name); !path.empty() && host_.library(path)) {
            profile.libraries.push_back(describe(path, {}));
        }
    }
}

void Surveyor::add_plugins(Profile& profile, const std::vector<std::string>& candidates,
                           std::string_view beginning) const {
    for (const std::string& candidate : candidates) {
        const std::vector<std::string> names = host_.list(candidate);
        const bool right = std::ranges::any_of(
            names, [&](const std::string& name) { return name.starts_with(beginning); });
        if (right) {
            const std::string real = host_.resolve(candidate);
            profile.plugins.push_back({{real}, {candidate}, true});
            return;
        }
    }
}

void Surveyor::add_data(Profile& profile, const std::vector<std::string>& paths) const {
    for (const std::string& path : paths) {
        const auto same = [&](const ProfileMount& mount) { return mount.target.value == path; };
        if (host_.exists(path) && std::ranges::none_of(profile.data, same)) {
            profile.data.push_back({{path}, {path}, false});
        }
    }
}

void Surveyor::add_devices(Profile& profile, const std::string& directory,
                           const std::vector<std::string>& beginnings) const {
    for (const std::string& name : host_.list(directory)) {
        const bool wanted =
            std::ranges::any_of(beginnings, [&](const auto& b) { return name.starts_with(b); });
        // A directory of further nodes, such as nvidia-caps, is no node.
        if (wanted && host_.list(directory + '/' + name).empty()) {
            profile.devices.push_back({directory + '/' + name});
        }
    }
}

std::vector<Profile> describe_stacks(const HostFiles& host,
                                     const std::vector<LibraryPlace>& places) {
    std::vector<Placed> found;
    std::set<std::string> names;
    const auto take = [&](std::vector<Profile> profiles, const LibraryPlace& place) {
        for (Profile& profile : profiles) {
            const std::string name = place_name(profile.name, place);
            profile.name = name;
            for (int number = 2; !names.insert(profile.name).second; ++number) {
                profile.name = fmt::format("{}-{}", name, number);
            }
            found.push_back({std::move(profile), &place});
        }
    };
    for (const LibraryPlace& place : places) {
        const Surveyor survey(host, place);
        take(describe_mpis(survey), place);
        take(describe_fabrics(survey), place);
    }
    if (!places.empty()) {
        take(describe_gpus(Surveyor(host, places.front())), places.front());
    }
    add_companions(host, places, found);
    std::vector<Profile> profiles;
    for (Placed& placed : found) {
        profiles.push_back(std::move(placed.profile));
    }
    return profiles;
}

}  // namespace lading::app
