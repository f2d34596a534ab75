// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/absent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/compat/families.hpp"
#include "lading/path.hpp"

namespace lading::compat {
namespace {

using formats::IndexedFile;

class Absent {
  public:
    Absent(const Question& question, const Loader& loader, const Subject& subject,
           const Selection& selection)
        : question_(question), loader_(loader), with_glibc_(!selection.missing_glibc.empty()) {
        for (const auto& [name, library] : selection.libraries) {
            if (library.inject) {
                injected_.insert(library.names.begin(), library.names.end());
                replaced_.insert(library.replaces.begin(), library.replaces.end());
            }
        }
        searched_ = loader.default_directories();
        searched_.insert(searched_.end(), question.image.library_path.begin(),
                         question.image.library_path.end());
        for (const std::uint32_t id : subject.files) {
            const IndexedFile file = question.image.index->file(id);
            for (const std::string_view path : {file.rpath, file.runpath}) {
                for (std::string& directory : loader.directories(file, path)) {
                    searched_.push_back(std::move(directory));
                }
            }
        }
    }

    std::optional<Loaded> find(std::uint32_t program) const {
        for (Loaded& loaded : loader_.closure(program, replaced_)) {
            if (!loaded.file && is_lost(loaded.name)) {
                return std::move(loaded);
            }
        }
        return std::nullopt;
    }

    /// Where the image has it nevertheless.
    std::vector<std::string> elsewhere(const std::string& name) const {
        std::vector<std::string> directories;
        for (const IndexedFile& copy : question_.image.index->with_soname(name)) {
            if (copy.architecture == question_.host.architecture) {
                directories.emplace_back(copy.path.substr(0, copy.path.rfind('/')));
            }
        }
        return directories;
    }

  private:
    bool is_lost(const std::string& name) const {
        if (injected_.contains(name) || is_mpi_soname(name) || !gpu_of_soname(name).empty() ||
            (with_glibc_ && is_glibc(name))) {
            return false;
        }
        if (name.find('/') != std::string::npos) {
            return name.starts_with('/') && !is_shown(name);
        }
        // A cache, and directories below those that are searched, may have it for processors of
        // which nothing is known here.
        const std::vector<std::string> copies = elsewhere(name);
        return question_.image.index->cached(name).empty() &&
               std::ranges::none_of(searched_, [&](const std::string& directory) {
                   return !directory.starts_with('/') || is_shown(directory) ||
                          std::ranges::any_of(copies, [&](const std::string& copy) {
                              return path_covers(directory, copy);
                          });
               });
    }

    bool is_shown(const std::string& path) const {
        return std::ranges::any_of(question_.image.shown, [&](const std::string& shown) {
            return path_covers(shown, path);
        });
    }

    const Question& question_;
    const Loader& loader_;
    bool with_glibc_;
    std::set<std::string, std::less<>> injected_;
    std::set<std::uint32_t> replaced_;
    std::vector<std::string> searched_;
};

}  // namespace

std::optional<Finding> find_absent(const Question& question, const Loader& loader,
                                   const Subject& subject, const Selection& selection) {
    if (!loader.system("libc.so.6")) {
        return std::nullopt;
    }
    const Absent absent(question, loader, subject, selection);
    for (const std::uint32_t id : subject.programs) {
        const IndexedFile program = question.image.index->file(id);
        const std::string interpreter = question.image.index->resolve(program.interpreter);
        if (program.architecture != question.host.architecture ||
            interpreter.substr(0, interpreter.rfind('/')) != loader.libc_directory()) {
            continue;
        }
        const std::optional<Loaded> lost = absent.find(id);
        if (!lost) {
            continue;
        }
        const std::vector<std::string> elsewhere = absent.elsewhere(lost->name);
        Finding finding;
        finding.need = "library";
        finding.wants = lost->name;
        finding.offers = "nothing";
        finding.verdict = Verdict::missing;
        finding.refuses = true;
        finding.reason = fmt::format(
            "{} needs {}, which {}", question.image.index->file(lost->asked_by).path, lost->name,
            elsewhere.empty() ? "neither the image nor a profile of this site's has"
                              : fmt::format("the image has in {} alone, where it does not look",
                                            elsewhere.front()));
        finding.remedy =
            elsewhere.empty()
                ? "install it in the image"
                : fmt::format(
                      "set LD_LIBRARY_PATH to {} in the image's environment, or in the "
                      "job's with --container-env=LD_LIBRARY_PATH",
                      elsewhere.front());
        return finding;
    }
    return std::nullopt;
}

}  // namespace lading::compat
