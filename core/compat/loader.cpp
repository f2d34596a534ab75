// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace lading::compat {
namespace {

using formats::IndexedFile;

struct SystemDirectories {
    std::string_view architecture;
    std::vector<std::string> paths;
};

/// Those that distributions compile into their loaders.
const std::vector<SystemDirectories>& system_directories() {
    static const std::vector<SystemDirectories> table = {
        {"amd64", {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"}},
        {"arm64", {"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}},
        {"ppc64le", {"/lib/powerpc64le-linux-gnu", "/usr/lib/powerpc64le-linux-gnu"}},
        {"riscv64", {"/lib/riscv64-linux-gnu", "/usr/lib/riscv64-linux-gnu"}},
        {"s390x", {"/lib/s390x-linux-gnu", "/usr/lib/s390x-linux-gnu"}},
        {"", {"/lib64", "/usr/lib64", "/lib", "/usr/lib"}},
    };
    return table;
}

std::string_view parent_of(std::string_view path) {
    return path.substr(0, path.rfind('/'));
}

/// What the loader puts for $ORIGIN and ${ORIGIN}; other tokens differ between distributions.
std::string expand_origin(std::string_view directory, std::string_view path) {
    std::string expanded(directory);
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
        for (std::size_t at = expanded.find(token); at != std::string::npos;
             at = expanded.find(token)) {
            expanded.replace(at, token.size(), parent_of(path));
        }
    }
    return expanded;
}

}  // namespace

Loader::Loader(const formats::ElfIndex& index, std::string architecture, unsigned isa_level,
               std::vector<std::string> library_path)
    : index_(index),
      architecture_(std::move(architecture)),
      library_path_(std::move(library_path)) {
    for (unsigned level = isa_level; level >= 2; --level) {
        hwcaps_.push_back(fmt::format("x86-64-v{}", level));
    }
    for (formats::CacheEntry& entry : index.loader_cache()) {
        cache_[entry.soname].push_back(std::move(entry));
    }
}

/// Files of another architecture are passed over, as the loader does.
std::optional<std::uint32_t> Loader::fitting(const std::string& path) const {
    const std::optional<IndexedFile> file = index_.find(path);
    return file && file->architecture == architecture_ ? std::optional(file->id) : std::nullopt;
}

std::optional<std::uint32_t> Loader::in_directory(const std::string& directory,
                                                  std::string_view soname) const {
    for (const std::string& hwcaps : hwcaps_) {
        if (const auto file =
                fitting(fmt::format("{}/glibc-hwcaps/{}/{}", directory, hwcaps, soname))) {
            return file;
        }
    }
    return fitting(fmt::format("{}/{}", directory, soname));
}

std::optional<std::uint32_t> Loader::system(std::string_view soname) const {
    if (const auto entries = cache_.find(soname); entries != cache_.end()) {
        std::vector<std::string> levels = hwcaps_;
        levels.emplace_back();
        for (const std::string& level : levels) {
            for (const formats::CacheEntry& entry : entries->second) {
                if (entry.hwcaps == level) {
                    if (const auto file = fitting(entry.path)) {
                        return file;
                    }
                }
            }
        }
    }
    for (const SystemDirectories& known : system_directories()) {
        if (known.architecture.empty() || known.architecture == architecture_) {
            for (const std::string& directory : known.paths) {
                if (const auto file = in_directory(directory, soname)) {
                    return file;
                }
            }
        }
    }
    return std::nullopt;
}

std::vector<std::string> Loader::directories(const IndexedFile& file, std::string_view path) const {
    std::vector<std::string> list;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find(':', at), path.size());
        if (end > at) {
            list.push_back(expand_origin(path.substr(at, end - at), file.path));
        }
        at = end + 1;
    }
    return list;
}

/// RPATH is inherited from whoever asked for the asker; RUNPATH is the asker's own, and silences
/// RPATH.
std::optional<std::uint32_t> Loader::search(std::string_view name, const std::vector<Asker>& askers,
                                            std::size_t asker) const {
    if (name.find('/') != std::string_view::npos) {
        return fitting(std::string(name));
    }
    const IndexedFile file = index_.file(askers[asker].file);
    if (file.runpath.empty()) {
        for (std::size_t i = asker;; i = askers[i].parent) {
            const IndexedFile above = index_.file(askers[i].file);
            if (above.runpath.empty()) {
                for (const std::string& directory : directories(above, above.rpath)) {
                    if (const auto found = in_directory(directory, name)) {
                        return found;
                    }
                }
            }
            if (askers[i].parent == i) {
                break;
            }
        }
    }
    for (const std::string& directory : library_path_) {
        if (const auto found = in_directory(directory, name)) {
            return found;
        }
    }
    for (const std::string& directory : directories(file, file.runpath)) {
        if (const auto found = in_directory(directory, name)) {
            return found;
        }
    }
    return file.no_default_directories ? std::nullopt : system(name);
}

std::vector<Loaded> Loader::closure(std::uint32_t program) const {
    std::vector<Loaded> loaded;
    std::vector<Asker> askers{{program, 0}};
    std::set<std::string, std::less<>> names;
    for (std::size_t i = 0; i < askers.size(); ++i) {
        for (const std::string_view name : index_.needed(askers[i].file)) {
            if (!names.emplace(name).second) {
                continue;
            }
            const auto file = search(name, askers, i);
            loaded.push_back({std::string(name), file, askers[i].file});
            const bool known = file && std::ranges::any_of(askers, [&](const Asker& asker) {
                                   return asker.file == *file;
                               });
            if (file && !known) {
                names.emplace(index_.file(*file).soname);
                askers.push_back({*file, i});
            }
        }
    }
    return loaded;
}

std::optional<std::uint32_t> Loader::find(std::uint32_t asker, std::string_view soname) const {
    return search(soname, {{asker, 0}}, 0);
}

std::vector<std::uint32_t> Loader::copies(std::string_view soname,
                                          const std::vector<std::string>& directories) const {
    std::vector<std::uint32_t> files;
    const auto add = [&](std::optional<std::uint32_t> file) {
        if (file && std::ranges::find(files, *file) == files.end()) {
            files.push_back(*file);
        }
    };
    add(system(soname));
    for (const auto* const list : {&library_path_, &directories}) {
        for (const std::string& directory : *list) {
            add(in_directory(directory, soname));
        }
    }
    return files;
}

std::string Loader::libc_directory() const {
    const auto libc = system("libc.so.6");
    return libc ? std::string(parent_of(index_.file(*libc).path)) : "";
}

}  // namespace lading::compat
