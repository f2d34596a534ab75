// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/formats/search_path.hpp"

namespace lading::compat {
namespace {

using formats::IndexedFile;

struct DefaultDirectory {
    std::string_view architecture;  ///< empty: all
    std::string_view path;
};

/// Those that distributions compile into their loaders.
constexpr DefaultDirectory kDefaults[] = {
    {"amd64", "/lib/x86_64-linux-gnu"},
    {"amd64", "/usr/lib/x86_64-linux-gnu"},
    {"arm64", "/lib/aarch64-linux-gnu"},
    {"arm64", "/usr/lib/aarch64-linux-gnu"},
    {"ppc64le", "/lib/powerpc64le-linux-gnu"},
    {"ppc64le", "/usr/lib/powerpc64le-linux-gnu"},
    {"riscv64", "/lib/riscv64-linux-gnu"},
    {"riscv64", "/usr/lib/riscv64-linux-gnu"},
    {"s390x", "/lib/s390x-linux-gnu"},
    {"s390x", "/usr/lib/s390x-linux-gnu"},
    {"", "/lib64"},
    {"", "/usr/lib64"},
    {"", "/lib"},
    {"", "/usr/lib"},
};

std::string_view parent_of(std::string_view path) {
    return path.substr(0, path.rfind('/'));
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
    for (const DefaultDirectory& known : kDefaults) {
        if (known.architecture.empty() || known.architecture == architecture_) {
            defaults_.push_back(known.path);
        }
    }
}

/// Files of another architecture are passed over, as the loader does.
std::optional<std::uint32_t> Loader::fitting(std::string_view path) const {
    const std::optional<IndexedFile> file = index_.find(path);
    return file && file->architecture == architecture_ ? std::optional(file->id) : std::nullopt;
}

std::optional<std::uint32_t> Loader::in_directory(std::string_view directory,
                                                  std::string_view soname) const {
    for (const std::string& hwcaps : hwcaps_) {
        if (const auto file =
                fitting(fmt::format("{}/glibc-hwcaps/{}/{}", directory, hwcaps, soname))) {
            return file;
        }
    }
    return fitting(fmt::format("{}/{}", directory, soname));
}

bool Loader::is_default(std::string_view directory) const {
    return std::ranges::find(defaults_, directory) != defaults_.end();
}

/// What ld.so.cache says, of the best processor first.
std::optional<std::uint32_t> Loader::cached(std::string_view soname, bool outside_defaults) const {
    const auto entries = index_.cached(soname);
    for (std::size_t level = 0; !entries.empty() && level <= hwcaps_.size(); ++level) {
        const std::string_view hwcaps =
            level < hwcaps_.size() ? std::string_view(hwcaps_[level]) : std::string_view();
        for (const auto& entry : entries) {
            if (entry.hwcaps != hwcaps || (outside_defaults && is_default(parent_of(entry.path)))) {
                continue;
            }
            if (const auto file = fitting(entry.path)) {
                return file;
            }
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Loader::system(std::string_view soname) const {
    if (const auto file = cached(soname, false)) {
        return file;
    }
    for (const std::string_view directory : defaults_) {
        if (const auto file = in_directory(directory, soname)) {
            return file;
        }
    }
    return std::nullopt;
}

std::vector<std::string> Loader::directories(const IndexedFile& file, std::string_view path) const {
    return formats::split_run_path(path, file.path);
}

/// RPATH is inherited from whoever asked for the asker; RUNPATH is the asker's own, and silences
/// RPATH.
std::optional<std::uint32_t> Loader::search(std::string_view name, const std::vector<Asker>& askers,
                                            std::size_t asker) const {
    if (name.find('/') != std::string_view::npos) {
        return name.starts_with('/') ? fitting(name) : std::nullopt;  // to the working directory
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
    // DF_1_NODEFLIB: not the default directories, nor what the cache has of them.
    return file.no_default_directories ? cached(name, true) : system(name);
}

std::vector<Loaded> Loader::closure(std::uint32_t program,
                                    const std::set<std::uint32_t>& cut) const {
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
                if (!cut.contains(*file)) {
                    askers.push_back({*file, i});
                }
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
