// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/reverse_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/compat/families.hpp"

namespace lading::compat {
namespace {

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
        std::vector<Broken> broken;
        for (std::uint32_t id = 0; id < image_.size(); ++id) {
            if (replaced_.contains(id) || image_.file(id).architecture != architecture_) {
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

    bool replaced_exports(const Selected& library, std::string_view name) const {
        return std::ranges::any_of(
            library.replaces, [&](std::uint32_t copy) { return image_.exports(copy, name, ""); });
    }

    std::string breaks(std::uint32_t user, std::string_view soname, const Selected& library) const {
        const std::string host_path(host_.file(library.host_file).path);
        const auto definitions = host_.version_definitions(library.host_file);
        for (const ElfVersionNeed& need : image_.version_needs(user)) {
            if (need.file == soname && !need.weak && !definitions.empty() &&
                std::ranges::find(definitions, need.version) == definitions.end()) {
                return fmt::format("needs {} of {}, which the host's {} lacks", need.version,
                                   soname, host_path);
            }
        }
        for (const ElfImport& import : image_.imports(user)) {
            const bool ours = import.version.empty()
                                  ? replaced_exports(library, import.name) ||
                                        (library.replaces.empty() && is_mpi_symbol(import.name))
                                  : import.file == soname;
            if (ours && !import.weak && !host_exports(library, import.name, import.version)) {
                return fmt::format("needs the symbol {}, which the host's {} lacks", import.name,
                                   host_path);
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

std::vector<Broken> check_glibc_users(const Question& question) {
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
        if (file.architecture != question.host.architecture || is_glibc(file.soname)) {
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
