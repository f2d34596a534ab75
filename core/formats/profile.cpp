// SPDX-License-Identifier: BSD-3-Clause
// profiles.d/NAME.json.  Its keys also stand in etc/lading/profile.schema.json and in
// lading-profile.json(5); a unit test holds the schema to this reader.
#include "lading/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "core/formats/environment_names.hpp"
#include "core/formats/path_node.hpp"

namespace lading {
namespace {

using formats::JsonNode;
using formats::read_clean_path;
using formats::shown_text;
using nlohmann::ordered_json;

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr std::uint64_t kMaxPriority = 1'000'000;
constexpr std::size_t kMaxName = 255;  // what a file's name may have

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

constexpr std::string_view kMpis[] = {"mpich", "openmpi", "mpi-abi"};
constexpr std::string_view kGpus[] = {"cuda", "rocm", "opencl", "level-zero"};

struct KindByName {
    std::string_view name;
    StackKind value;
    std::span<const std::string_view> provides;  ///< empty: any word
    std::string_view expected;
};
constexpr KindByName kKinds[] = {
    {"mpi", StackKind::mpi, kMpis, "mpich, openmpi or mpi-abi"},
    {"fabric", StackKind::fabric, {}, "a word of a-z, 0-9, '.', '_' and '-'"},
    {"gpu", StackKind::gpu, kGpus, "cuda, rocm, opencl or level-zero"},
};

/// A letter or digit of `letters`, then these and `punctuation`.
bool is_name(std::string_view text, std::string_view letters, std::string_view punctuation) {
    const std::string all = std::string(letters).append(punctuation);
    return !text.empty() && text.size() <= kMaxName &&
           letters.find(text.front()) != std::string_view::npos &&
           text.find_first_not_of(all) == std::string_view::npos;
}

Result<> read(const JsonNode& node, std::string& into) {
    into = TRY(node.text());
    return {};
}

template <typename Path>
Result<> read(const JsonNode& node, Path& into) requires requires {
    into.value;
}
{
    into.value = TRY(read_clean_path(node));
    return {};
}

Result<> read_kind(const JsonNode& node, StackKind& kind) {
    const std::string text = TRY(node.text());
    const auto* const known = std::ranges::find(kKinds, text, &KindByName::name);
    if (known == std::end(kKinds)) {
        return node.fail(fmt::format("expected mpi, fabric or gpu, found '{}'", shown_text(text)));
    }
    kind = known->value;
    return {};
}

const KindByName& kind_of(StackKind kind) {
    return *std::ranges::find(kKinds, kind, &KindByName::value);
}

Result<> check_provides(const JsonNode& node, const Profile& profile) {
    const KindByName& kind = kind_of(profile.kind);
    const bool known = kind.provides.empty() ? is_name(profile.provides, kLower, "._-")
                                             : std::ranges::find(kind.provides, profile.provides) !=
                                                   kind.provides.end();
    if (!known) {
        return node.fail(fmt::format("'provides' of {} is {}, found '{}'", kind.name, kind.expected,
                                     shown_text(profile.provides)));
    }
    return {};
}

Result<> read_priority(const JsonNode& node, int& into) {
    const std::uint64_t number = TRY(node.number());
    if (number > kMaxPriority) {
        return node.fail(fmt::format("expected at most {}, found {}", kMaxPriority, number));
    }
    into = static_cast<int>(number);
    return {};
}

/// File names, as the loader looks for them.
Result<> read_sonames(const JsonNode& node, std::vector<std::string>& into) {
    for (const JsonNode& item : TRY(node.items())) {
        std::string name = TRY(item.text());
        if (!is_name(name, kLetters, "._+-")) {
            return item.fail(fmt::format(
                "expected a library's name, such as 'libmpi.so.12', found '{}'", shown_text(name)));
        }
        into.push_back(std::move(name));
    }
    return {};
}

Result<> read(const JsonNode& node, ProfileLibrary& library) {
    if (node.text()) {
        return read(node, library.path);
    }
    return node.read_object({
        {"path", [&](const JsonNode& n) { return read(n, library.path); }, true},
        {"names", [&](const JsonNode& n) { return read_sonames(n, library.names); }},
    });
}

Result<> read(const JsonNode& node, ProfileMount& mount) {
    if (node.text()) {
        TRY(read(node, mount.source));
    } else {
        TRY(node.read_object({
            {"source", [&](const JsonNode& n) { return read(n, mount.source); }, true},
            {"target", [&](const JsonNode& n) { return read(n, mount.target); }},
            {"required",
             [&](const JsonNode& n) -> Result<> {
                 mount.required = TRY(n.boolean());
                 return {};
             }},
        }));
    }
    if (mount.target.value.empty()) {
        mount.target.value = mount.source.value;
    }
    return {};
}

/// An array, each of whose elements `read` takes.
template <typename Element>
Result<> read_each(const JsonNode& node, std::vector<Element>& into) {
    for (const JsonNode& item : TRY(node.items())) {
        Element element;
        TRY(read(item, element));
        into.push_back(std::move(element));
    }
    return {};
}

Result<> read_devices(const JsonNode& node, std::vector<HostPath>& into) {
    for (const JsonNode& item : TRY(node.items())) {
        std::string path = TRY(read_clean_path(item));
        if (!path.starts_with("/dev/")) {
            return item.fail(
                fmt::format("expected a path below /dev, found '{}'", shown_text(path)));
        }
        into.push_back({std::move(path)});
    }
    return {};
}

Result<> read_environment(const JsonNode& node, std::map<std::string, std::string>& into) {
    for (const auto& [name, value] : TRY(node.members())) {
        if (!formats::is_environment_name(name)) {
            return value.fail("not the name of an environment variable");
        }
        into[name] = TRY(value.text());
    }
    return {};
}

/// Names of files without `.json`, or of CDI devices: `nvidia.com/gpu=all`.
Result<> read_with(const JsonNode& node, std::vector<std::string>& into) {
    for (const JsonNode& item : TRY(node.items())) {
        std::string name = TRY(item.text());
        if (!is_name(name, kLetters, "._+-/=:")) {
            return item.fail(
                fmt::format("expected a profile's name, found '{}'", shown_text(name)));
        }
        into.push_back(std::move(name));
    }
    return {};
}

/// What no single key can see.
Result<> check_whole(const JsonNode& node, const Profile& profile) {
    TRY(check_provides(node, profile));
    if (profile.kind == StackKind::mpi && profile.libraries.empty()) {
        return node.fail("an MPI has at least one library in 'libraries'");
    }
    std::set<std::string> paths;
    std::set<std::string> names;
    for (const ProfileLibrary& library : profile.libraries) {
        if (!paths.insert(library.path.value).second) {
            return node.fail(
                fmt::format("the library {} is given twice", shown_text(library.path.value)));
        }
        for (const std::string& name : library.names) {
            if (!names.insert(name).second) {
                return node.fail(fmt::format("the name {} is given twice", shown_text(name)));
            }
        }
    }
    std::set<std::string> targets;
    for (const auto* mounts : {&profile.plugins, &profile.data}) {
        for (const ProfileMount& mount : *mounts) {
            if (!targets.insert(mount.target.value).second) {
                return node.fail(fmt::format("two mounts on {}", shown_text(mount.target.value)));
            }
        }
    }
    return {};
}

Result<> read_profile(const JsonNode& node, Profile& profile) {
    const auto ignore_text = [](const JsonNode& n) {
        return n.text().map([](const std::string&) {});
    };
    TRY(node.read_object({
        {"$schema", ignore_text},
        {"description", ignore_text},
        {"kind", [&](const JsonNode& n) { return read_kind(n, profile.kind); }, true},
        {"provides", [&](const JsonNode& n) { return read(n, profile.provides); }, true},
        {"priority", [&](const JsonNode& n) { return read_priority(n, profile.priority); }},
        {"libraries", [&](const JsonNode& n) { return read_each(n, profile.libraries); }},
        {"plugins", [&](const JsonNode& n) { return read_each(n, profile.plugins); }},
        {"data", [&](const JsonNode& n) { return read_each(n, profile.data); }},
        {"devices", [&](const JsonNode& n) { return read_devices(n, profile.devices); }},
        {"environment",
         [&](const JsonNode& n) { return read_environment(n, profile.environment); }},
        {"programs", [&](const JsonNode& n) { return read_each(n, profile.programs); }},
        {"with", [&](const JsonNode& n) { return read_with(n, profile.with); }},
    }));
    return check_whole(node, profile);
}

ordered_json mounts_json(const std::vector<ProfileMount>& mounts) {
    ordered_json list = ordered_json::array();
    for (const ProfileMount& mount : mounts) {
        const bool same = mount.source.value == mount.target.value;
        if (same && mount.required) {
            list.push_back(mount.source.value);
            continue;
        }
        ordered_json object = {{"source", mount.source.value}};
        if (!same) {
            object["target"] = mount.target.value;
        }
        if (!mount.required) {
            object["required"] = false;
        }
        list.push_back(std::move(object));
    }
    return list;
}

ordered_json libraries_json(const std::vector<ProfileLibrary>& libraries) {
    ordered_json list = ordered_json::array();
    for (const ProfileLibrary& library : libraries) {
        if (library.names.empty()) {
            list.push_back(library.path.value);
        } else {
            list.push_back({{"path", library.path.value}, {"names", library.names}});
        }
    }
    return list;
}

ordered_json paths_json(const std::vector<HostPath>& paths) {
    ordered_json list = ordered_json::array();
    for (const HostPath& path : paths) {
        list.push_back(path.value);
    }
    return list;
}

}  // namespace

Result<Profile> parse_profile(std::string_view text, std::string_view name, std::string_view file) {
    const formats::JsonRules rules{file, Code::site, kMaxBytes, true};
    const nlohmann::json document = TRY(formats::parse_strict_json(text, rules));
    Profile profile;
    profile.name = name;
    profile.file = file;
    Result<> done = read_profile(JsonNode(document, rules), profile);
    if (!done) {
        Error error = std::move(done).error();
        if (error.hint.empty()) {
            error.hint = "the administrator mends it: see lading-profile.json(5)";
        }
        return tl::unexpected<Error>(std::move(error));
    }
    return profile;
}

std::string format_profile(const Profile& profile) {
    ordered_json document = {{"kind", kind_of(profile.kind).name}, {"provides", profile.provides}};
    if (profile.priority != 0) {
        document["priority"] = profile.priority;
    }
    const auto add = [&](const char* key, ordered_json list) {
        if (!list.empty()) {
            document[key] = std::move(list);
        }
    };
    add("libraries", libraries_json(profile.libraries));
    add("plugins", mounts_json(profile.plugins));
    add("data", mounts_json(profile.data));
    add("devices", paths_json(profile.devices));
    add("environment", profile.environment);
    add("programs", paths_json(profile.programs));
    add("with", profile.with);
    return document.dump(4, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace lading
