// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/reverse_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/compat/families.hpp"

namespace lading::compat {
namespace {

using formats::ElfCopy;
using formats::ElfImport;
using formats::ElfIndex;
using formats::ElfVersionNeed;
using formats::IndexedFile;

/// Names that only an MPI library defines: a program that finds none in the image must have meant
/// the host's.
bool is_mpi_symbol(std::string_view name) {
    for (const std::string_view prefix :
         {"MPI_", "PMPI_", "MPIX_", "mpi_", "pmpi_", "ompi_", "mpif"}) {
        if (name.starts_with(prefix)) {
            return true;
        }
    }
    return false;
}

class Checker {
  public:
    Checker(const Question& question, const Loader& loader, const Selection& selection)
        : image_(*question.image.index),
          loader_(loader),
          host_(*question.host.index),
          architecture_(question.host.architecture),
          selection_(selection) {
        for (const auto& [name, library] : selection_.libraries) {
            if (library.inject) {
                replaced_.insert(library.replaces.begin(), library.replaces.end());
                by_name_.emplace(name, &library);
                for (const std::string& other : library.names) {
                    by_name_.emplace(other, &library);
                }
            }
        }
    }

    std::vector<Broken> run() const {
        std::set<std::uint32_t> users;
        for (const auto& [name, library] : by_name_) {
            for (const std::uint32_t user : image_.users(name)) {
                users.insert(user);
            }
        }
        std::vector<Broken> broken;
        for (const std::uint32_t id : users) {
            const IndexedFile file = image_.file(id);
            if (replaced_.contains(id) || file.architecture != architecture_ ||
                is_covered(selection_, file.path)) {
                continue;
            }
            for (const std::string_view needed : image_.needed(id)) {
                const auto library = by_name_.find(needed);
                if (library == by_name_.end() || !uses(id, needed, *library->second)) {
                    continue;
                }
                if (std::string why = breaks(id, needed, *library->second); !why.empty()) {
                    broken.push_back({id, std::move(why), std::string(needed)});
                    break;
                }
            }
        }
        return broken;
    }

  private:
    /// A copy that stays, in a directory of the user's own, goes on serving it.
    bool uses(std::uint32_t user, std::string_view soname, const Selected& library) const {
        if (library.belongs) {
            return true;  // every copy is replaced
        }
        const auto found = loader_.find(user, soname);
        return !found || replaced_.contains(*found);
    }

    /// In the host's library, or in whatever else of the host's comes with it: ld.so looks through
    /// all of them.
    bool host_exports(const Selected& library, std::string_view name,
                      std::string_view version) const {
        if (host_.exports(library.host_file, name, version)) {
            return true;
        }
        return version.empty() &&
               std::ranges::any_of(selection_.importers, [&](std::uint32_t other) {
                   return host_.exports(other, name, version);
               });
    }

    /// Would the image's user of this unversioned name find it in the library?
    bool is_of(const Selected& library, std::string_view name) const {
        return library.replaces.empty()
                   ? is_mpi_symbol(name) && std::ranges::any_of(library.names, is_mpi_soname)
                   : std::ranges::any_of(library.replaces, [&](std::uint32_t copy) {
                         return image_.exports(copy, name, "");
                     });
    }

    /// Something else of the image's that the user loads, and that stays, defines it as well.
    bool others_export(std::uint32_t user, const ElfImport& import) const {
        if (!import.version.empty()) {
            return false;
        }
        const auto loaded = loader_.closure(user, replaced_);
        return std::ranges::any_of(loaded, [&](const Loaded& other) {
            return other.file && !replaced_.contains(*other.file) &&
                   image_.exports(*other.file, import.name, "");
        });
    }

    std::string breaks(std::uint32_t user, std::string_view soname, const Selected& library) const {
        const std::string host_path(host_.file(library.host_file).path);
        for (const ElfVersionNeed& need : image_.version_needs(user)) {
            if (need.file == soname && !need.weak &&
                !host_.defines_version(library.host_file, need.version)) {
                return fmt::format("needs {} of {}, which the host's {} lacks", need.version,
                                   soname, host_path);
            }
        }
        const auto missing = image_.find_import(user, [&](const ElfImport& import) {
            const bool ours =
                import.version.empty() ? is_of(library, import.name) : import.file == soname;
            return ours && !import.weak && !host_exports(library, import.name, import.version) &&
                   !others_export(user, import);
        });
        return missing ? lacking(missing->name, host_path)
                       : breaks_copies(user, soname, library, host_path);
    }

    static std::string lacking(std::string_view symbol, const std::string& host_path) {
        return fmt::format("needs the symbol {}, which the host's {} lacks", symbol, host_path);
    }

    /// A program that is bound to its place has data of the library's in its own memory, as large
    /// as they were when it was linked.  The host's library would write beyond them; the loader
    /// only warns of that ("has different size in shared object", glibc's dl-machine.h), and says
    /// nothing where the library's are the smaller.  Those that cannot be written to, such as the
    /// text of its version, are not in the index.
    std::string breaks_copies(std::uint32_t user, std::string_view soname, const Selected& library,
                              const std::string& host_path) const {
        for (const ElfCopy& copy : image_.copies(user)) {
            const auto needs = [&](const ElfVersionNeed& need) {
                return need.file == soname && need.version == copy.version;
            };
            if (!(copy.version.empty() ? is_of(library, copy.name)
                                       : std::ranges::any_of(image_.version_needs(user), needs))) {
                continue;
            }
            if (!host_exports(library, copy.name, copy.version)) {
                return lacking(copy.name, host_path);
            }
            const auto bytes = host_.object_bytes(library.host_file, copy.name, copy.version);
            if (bytes && *bytes > copy.bytes) {
                return fmt::format("holds a copy of {} of {} bytes, the host's has {}", copy.name,
                                   copy.bytes, *bytes);
            }
        }
        return {};
    }

    const ElfIndex& image_;
    const Loader& loader_;
    const ElfIndex& host_;
    const std::string& architecture_;
    const Selection& selection_;
    std::set<std::uint32_t> replaced_;
    std::map<std::string, const Selected*, std::less<>> by_name_;
};

}  // namespace

std::vector<Broken> check_users(const Question& question, const Loader& loader,
                                const Selection& selection) {
    return Checker(question, loader, selection).run();
}

std::vector<Broken> check_glibc_users(const Question& question, const Selection& selection) {
    const ElfIndex& image = *question.image.index;
    const ElfIndex& host = *question.host.index;
    std::map<std::string, std::set<std::string, std::less<>>, std::less<>> defined;
    for (const auto& [soname, file] : question.host.libc.family) {
        for (const std::string_view version : host.version_definitions(file)) {
            defined[soname].emplace(version);
        }
    }
    std::vector<Broken> broken;
    for (std::uint32_t id = 0; id < image.size(); ++id) {
        const IndexedFile file = image.file(id);
        if (file.architecture != question.host.architecture || is_glibc(file.soname) ||
            is_covered(selection, file.path)) {
            continue;
        }
        for (const ElfVersionNeed& need : image.version_needs(id)) {
            if (!is_glibc(need.file) || need.weak || need.version == "GLIBC_PRIVATE") {
                continue;
            }
            const auto versions = defined.find(need.file);
            if (versions == defined.end() || !versions->second.contains(need.version)) {
                broken.push_back({id,
                                  fmt::format("needs {} of {}, the host's glibc {} has none",
                                              need.version, need.file, question.host.libc.version),
                                  "glibc"});
                break;
            }
        }
    }
    return broken;
}

}  // namespace lading::compat
