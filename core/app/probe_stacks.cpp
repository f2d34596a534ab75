// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/probe_stacks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "core/app/index_root.hpp"
#include "core/compat/families.hpp"
#include "core/formats/search_path.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mapped_file.hpp"

namespace lading::app {
namespace {

using compat::StackLibrary;
using formats::ElfFile;

constexpr int kModuleDepth = 3;  // Open MPI: directory/openmpi3/mca_*.so

struct HostFile {
    std::string path;  ///< free of symbolic links
    std::string soname;
    std::vector<std::string> needed;
    std::vector<std::string> directories;  ///< of RUNPATH, or of RPATH
    bool inherits = false;                 ///< RPATH: holds for what it loads in turn, too
};

/// Finds and reads the host's libraries, each once.
class HostLibraries {
  public:
    explicit HostLibraries(std::string architecture) : architecture_(std::move(architecture)) {
        const auto bytes = sys::MappedFile::open(std::string(kLoaderCachePath));
        auto entries = bytes ? formats::parse_ld_cache(bytes->bytes(), architecture_)
                             : Result<std::vector<formats::CacheEntry>>();
        if (entries) {
            for (formats::CacheEntry& entry : *entries) {
                if (entry.hwcaps.empty()) {
                    cache_.try_emplace(std::move(entry.soname), std::move(entry.path));
                }
            }
        }
    }

    /// Reads the library at a path; nothing where there is none for this architecture.
    const HostFile* read(const std::string& path) {
        const auto asked = real_paths_.find(path);
        std::error_code error;
        const std::string real = asked != real_paths_.end()
                                     ? asked->second
                                     : std::filesystem::canonical(path, error).string();
        real_paths_.emplace(path, error ? "" : real);
        if (error || real.empty()) {
            return nullptr;
        }
        if (const auto known = files_.find(real); known != files_.end()) {
            return known->second ? &*known->second : nullptr;
        }
        std::optional<HostFile>& file = files_[real];
        const auto mapped = sys::MappedFile::open(real);
        const auto elf = mapped ? formats::parse_elf_file(mapped->bytes()) : Result<ElfFile>();
        if (!mapped || !elf || elf->architecture != architecture_) {
            return nullptr;
        }
        builder_.add_file(real, *elf);
        const std::string origin = real.substr(0, real.rfind('/'));
        file.emplace();
        file->path = real;
        file->soname =
            elf->soname.empty() ? real.substr(origin.size() + 1) : std::string(elf->soname);
        file->needed.assign(elf->needed.begin(), elf->needed.end());
        file->inherits = elf->runpath.empty();
        file->directories =
            formats::split_run_path(file->inherits ? elf->rpath : elf->runpath, real);
        // A relative one is the working directory's, which is nobody's here.
        std::erase_if(file->directories,
                      [](const std::string& one) { return !one.starts_with('/'); });
        return &*file;
    }

    const HostFile* find(const std::string& soname, const std::vector<std::string>& directories) {
        for (const std::string& directory : directories) {
            const std::string path = fmt::format("{}/{}", directory, soname);
            if (access(path.c_str(), R_OK) == 0) {
                if (const HostFile* const file = read(path)) {
                    return file;
                }
            }
        }
        if (const auto cached = cache_.find(soname); cached != cache_.end()) {
            return read(cached->second);
        }
        for (const char* const directory : {"/lib64", "/usr/lib64", "/lib", "/usr/lib"}) {
            if (const HostFile* const file = read(fmt::format("{}/{}", directory, soname))) {
                return file;
            }
        }
        return nullptr;
    }

    std::string finish() { return std::move(builder_).finish(); }

  private:
    std::string architecture_;
    std::map<std::string, std::string> cache_;
    std::map<std::string, std::string> real_paths_;  ///< of paths that were asked for
    std::map<std::string, std::optional<HostFile>> files_;
    formats::ElfIndexBuilder builder_;
};

/// A stack as it is built: files by path until the index has given them numbers.
struct Draft {
    compat::Stack stack;
    std::vector<std::string> paths;  ///< of stack.libraries, in the same order
};

class Prober {
  public:
    explicit Prober(const std::string& architecture) : libraries_(architecture) {}

    Draft probe(const Profile& profile) {
        draft_ = {};
        draft_.stack.profile = profile;
        waiting_.clear();
        for (const ProfileLibrary& library : profile.libraries) {
            const HostFile* const file = libraries_.read(library.path.value);
            if (file == nullptr) {
                draft_.stack.missing = fmt::format("this node has no {}, which profile {} names",
                                                   library.path.value, profile.name);
                return std::move(draft_);
            }
            add(*file, StackLibrary::Role::root, library.names, {});
        }
        for (const ProfileMount& mount : profile.plugins) {
            add_modules(mount, kModuleDepth, mount.source.value);
        }
        for (const HostPath& program : profile.programs) {
            if (const HostFile* const file = libraries_.read(program.value)) {
                add(*file, StackLibrary::Role::module, {}, {});  // whose libraries come along
            }
        }
        for (std::size_t i = 0; i < waiting_.size(); ++i) {
            const Waiting asker = waiting_[i];
            for (const std::string& soname : asker.file->needed) {
                if (const HostFile* const file = libraries_.find(soname, asker.directories)) {
                    add(*file, StackLibrary::Role::dependency, {soname}, asker.inherited);
                }
            }
        }
        return std::move(draft_);
    }

    compat::HostLibc libc() {
        compat::HostLibc libc;
        const HostFile* const file = libraries_.find("libc.so.6", {});
        if (file == nullptr) {
            return libc;
        }
        const std::string directory = file->path.substr(0, file->path.rfind('/'));
        for (const std::string& soname : file->needed) {
            if (const HostFile* const loader = libraries_.find(soname, {directory})) {
                libc.loader = {loader->path};
                libc_paths_[soname] = loader->path;
            }
        }
        std::error_code error;
        for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
             at.increment(error)) {
            const std::string name = at->path().filename().string();
            if (compat::is_glibc(name)) {
                if (const HostFile* const member = libraries_.read(at->path().string())) {
                    libc_paths_[name] = member->path;
                }
            }
        }
        return libc;
    }

    std::string finish() { return libraries_.finish(); }
    const std::map<std::string, std::string>& libc_paths() const { return libc_paths_; }

  private:
    struct Waiting {
        const HostFile* file;
        std::vector<std::string> directories;  ///< that it looks in first
        std::vector<std::string> inherited;    ///< of which those it loads inherit
    };

    void add(const HostFile& file, StackLibrary::Role role, const std::vector<std::string>& names,
             const std::vector<std::string>& inherited) {
        const auto known = std::ranges::find(draft_.paths, file.path);
        if (known != draft_.paths.end()) {
            add_names(
                draft_.stack.libraries[static_cast<std::size_t>(known - draft_.paths.begin())],
                names);
            return;
        }
        StackLibrary library;
        library.role = role;
        library.names = {file.soname};
        add_names(library, names);
        draft_.stack.libraries.push_back(std::move(library));
        draft_.paths.push_back(file.path);
        std::vector<std::string> passed =
            file.inherits ? file.directories : std::vector<std::string>();
        passed.insert(passed.end(), inherited.begin(), inherited.end());
        waiting_.push_back({&file, file.inherits ? passed : file.directories, passed});
    }

    static void add_names(StackLibrary& library, const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            if (std::ranges::find(library.names, name) == library.names.end()) {
                library.names.push_back(name);
            }
        }
    }

    void add_modules(const ProfileMount& mount, int depth, const std::string& directory) {
        std::error_code error;
        for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
             at.increment(error)) {
            const std::string path = at->path().string();
            if (at->is_directory(error) && !at->is_symlink(error) && depth > 0) {
                add_modules(mount, depth - 1, path);
            } else if (path.find(".so") != std::string::npos) {
                if (const HostFile* const file = libraries_.read(path)) {
                    add(*file, StackLibrary::Role::module, {}, {});
                }
            }
        }
    }

    HostLibraries libraries_;
    Draft draft_;
    std::vector<Waiting> waiting_;
    std::map<std::string, std::string> libc_paths_;
};

}  // namespace

Result<ProbedHost> probe_stacks(const std::vector<Profile>& profiles,
                                const std::string& architecture) {
    Prober prober(architecture);
    std::vector<Draft> drafts;
    for (const Profile& profile : profiles) {
        drafts.push_back(prober.probe(profile));
    }
    ProbedHost host;
    host.libc = prober.libc();
    host.index = prober.finish();
    const auto index = TRY(formats::ElfIndex::open(host.index));
    const auto number = [&](const std::string& path) {
        const auto file = index.find(path);
        return file ? file->id : 0U;
    };
    for (Draft& draft : drafts) {
        for (std::size_t i = 0; i < draft.paths.size(); ++i) {
            draft.stack.libraries[i].file = number(draft.paths[i]);
        }
        host.stacks.push_back(std::move(draft.stack));
    }
    std::ranges::stable_sort(host.stacks, std::ranges::greater{},
                             [](const compat::Stack& stack) { return stack.profile.priority; });
    for (const auto& [soname, path] : prober.libc_paths()) {
        host.libc.family[soname] = number(path);
    }
    if (const auto libc = host.libc.family.find("libc.so.6"); libc != host.libc.family.end()) {
        host.libc.version = compat::glibc_version(index.version_definitions(libc->second));
    }
    return host;
}

std::vector<std::string> probe_pmi(const std::string& plugin_directory) {
    constexpr std::string_view kStart = "mpi_";
    constexpr std::string_view kEnd = ".so";
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at(plugin_directory, error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.starts_with(kStart) && name.ends_with(kEnd) && name != "mpi_none.so") {
            names.push_back(name.substr(kStart.size(), name.size() - kStart.size() - kEnd.size()));
        }
    }
    std::ranges::sort(names);
    return names;
}

unsigned probe_isa_level() {
#if defined(__x86_64__)
    // The features that tell the levels apart: what else a level asks for came with them.
    // clang 14 does not know the levels by their names.
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) {
        return 1;
    }
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") ||
        !__builtin_cpu_supports("fma")) {
        return 2;
    }
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
    return wide ? 4 : 3;
#else
    return 0;
#endif
}

}  // namespace lading::app
