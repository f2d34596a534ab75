// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/materialise.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/compat/families.hpp"

namespace lading::compat {
namespace {

using formats::IndexedFile;

/// Not where a whole directory of the host's is shown already.
bool is_shown(const Injection& injection, std::string_view path) {
    return std::ranges::any_of(injection.mounts, [&](const InjectedMount& mount) {
        return path_covers(mount.target.value, path);
    });
}

void add_mounts(const std::vector<const Stack*>& stacks, Injection& injection) {
    const auto add = [&](const HostPath& source, const GuestPath& target, bool required,
                         const Stack& stack) {
        const bool known = std::ranges::any_of(
            injection.mounts, [&](const InjectedMount& mount) { return mount.target == target; });
        if (!known) {
            injection.mounts.push_back(
                {source, target, required, fmt::format("profile {}", stack.profile.name)});
        }
    };
    for (const Stack* const stack : stacks) {
        injection.profiles.push_back(stack->profile.name);
        for (const auto* list : {&stack->profile.plugins, &stack->profile.data}) {
            for (const ProfileMount& mount : *list) {
                add(mount.source, mount.target, mount.required, *stack);
            }
        }
        for (const HostPath& program : stack->profile.programs) {
            add(program, {program.value}, false, *stack);
        }
        for (const auto& [name, value] : stack->profile.environment) {
            injection.environment.emplace(name, value);
        }
    }
}

void add_library(const Question& question, const Selected& library, const std::string& directory,
                 Injection& injection) {
    const IndexedFile host = question.host.index->file(library.host_file);
    InjectedFile file;
    file.soname = library.names.front();
    file.source = {std::string(host.path)};
    file.build_id = host.build_id;
    file.reason = library.reason;
    std::set<std::string> targets;
    for (const std::uint32_t copy : library.replaces) {
        targets.emplace(question.image.index->file(copy).path);
    }
    for (const std::string& name : library.names) {
        const std::string path = fmt::format("{}/{}", directory, name);
        if (!directory.empty() && !targets.contains(question.image.index->resolve(path))) {
            targets.insert(path);
        }
    }
    for (const std::string& target : targets) {
        if (!is_shown(injection, target)) {
            file.targets.push_back({target});
        }
    }
    if (!file.targets.empty()) {
        injection.files.push_back(std::move(file));
    }
}

/// Where a loader of glibc 2.33 or later looks first in any directory of an RPATH, a RUNPATH or
/// LD_LIBRARY_PATH, so that one that names the image's library directory does not lead to its libc.
/// The image's own loader, which static programs bring along, hardly ever does: it is older.
constexpr std::string_view kHwcaps = "glibc-hwcaps/x86-64-v2";
constexpr int kFirstWithHwcaps = 33;

bool looks_at_hwcaps(const HostSide& host) {
    constexpr std::string_view kMajor = "2.";
    int minor = 0;
    return host.isa_level >= 2 && host.libc.version.starts_with(kMajor) &&
           std::from_chars(host.libc.version.data() + kMajor.size(),
                           host.libc.version.data() + host.libc.version.size(), minor)
                   .ec == std::errc{} &&
           minor >= kFirstWithHwcaps;
}

/// The whole family in a directory of its own, and a cache that sends the loader there first; all
/// else stays where the image has it.
void add_libc(const Question& question, const Loader& loader, const MissingVersion& because,
              Injection& injection) {
    InjectedLibc& libc = injection.libc;
    const std::string home = loader.libc_directory();
    libc.version = question.host.libc.version;
    libc.loader = question.host.libc.loader;
    for (const formats::CacheEntry& entry : question.image.index->loader_cache()) {
        if (const auto file = loader.system(entry.soname)) {
            libc.libraries[entry.soname] = question.image.index->file(*file).path;
        }
    }
    for (const InjectedFile& file : injection.files) {
        for (const GuestPath& target : file.targets) {
            const std::string name = target.value.substr(target.value.rfind('/') + 1);
            if (path_covers(home, target.value) || name == file.soname) {
                libc.libraries.try_emplace(name, target.value);
            }
        }
        if (!file.targets.empty()) {
            libc.libraries.try_emplace(file.soname, file.targets.front().value);
        }
    }
    const bool hwcaps = looks_at_hwcaps(question.host);
    const std::string directory =
        hwcaps ? fmt::format("{}/{}", home, kHwcaps) : std::string(kLibraryDirectory);
    for (const auto& [soname, id] : question.host.libc.family) {
        const IndexedFile file = question.host.index->file(id);
        if (file.path == libc.loader.value) {
            continue;
        }
        const std::string target = fmt::format("{}/{}", directory, soname);
        libc.libraries[soname] = target;
        injection.files.push_back({soname,
                                   {std::string(file.path)},
                                   {{target}},
                                   std::string(file.build_id),
                                   fmt::format("{} needs {}", because.by, because.version)});
    }
    std::set<std::string> loaders;
    for (std::uint32_t id = 0; id < question.image.index->size(); ++id) {
        const IndexedFile file = question.image.index->file(id);
        if (file.architecture == question.host.architecture && !file.interpreter.empty()) {
            const std::string at = question.image.index->resolve(file.interpreter);
            if (path_covers(home, at)) {
                loaders.insert(at);
            }
        }
    }
    for (const std::string& path : loaders) {
        libc.loaders.push_back({path});
    }
    if (!hwcaps && !question.image.library_path.empty()) {
        injection.environment["LD_LIBRARY_PATH"] =
            fmt::format("{}:{}", kLibraryDirectory, fmt::join(question.image.library_path, ":"));
    }
}

}  // namespace

void materialise(const Question& question, const Loader& loader,
                 const std::vector<const Stack*>& stacks, const Selection& selection,
                 Injection& injection) {
    if (stacks.empty()) {
        return;
    }
    add_mounts(stacks, injection);
    const std::string directory = loader.libc_directory();
    for (const auto& [name, library] : selection.libraries) {
        if (library.inject) {
            add_library(question, library, directory, injection);
        } else {
            injection.kept.push_back({name,
                                      {std::string(question.image.index->file(library.kept).path)},
                                      library.reason});
        }
    }
    if (!selection.missing_glibc.empty()) {
        add_libc(question, loader, selection.missing_glibc.front(), injection);
    }
}

std::string image_glibc(const Question& question, const Loader& loader) {
    std::vector<std::string_view> definitions;
    for (const char* const soname : {"libc.so.6", "libm.so.6"}) {
        if (const auto file = loader.system(soname)) {
            for (const std::string_view name : question.image.index->version_definitions(*file)) {
                definitions.push_back(name);
            }
        }
    }
    return glibc_version(definitions);
}

std::string image_libc(const Question& question, const Loader& loader) {
    const auto libc = loader.system("libc.so.6");
    if (!libc) {
        for (std::uint32_t id = 0; id < question.image.index->size(); ++id) {
            if (question.image.index->file(id).path.find("/ld-musl-") != std::string_view::npos) {
                return "musl";
            }
        }
        return "none";
    }
    const std::string version = image_glibc(question, loader);
    return version.empty() ? "glibc" : "glibc " + version;
}

}  // namespace lading::compat
