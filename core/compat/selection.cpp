// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/compat/families.hpp"

namespace lading::compat {
namespace {

using formats::ElfImport;
using formats::ElfIndex;
using formats::ElfVersionNeed;
using formats::IndexedFile;

std::string name_in(const ElfIndex& index, std::uint32_t id) {
    const IndexedFile file = index.file(id);
    return std::string(file.soname.empty() ? file.path.substr(file.path.rfind('/') + 1)
                                           : file.soname);
}

/// Runs until no keep has to be taken back: each round either ends or injects one more soname.
class Selector {
  public:
    Selector(const Question& question, const Loader& image, const std::vector<const Stack*>& stacks,
             const Searchers& searchers)
        : question_(question), image_(image), stacks_(stacks), searchers_(searchers) {
        for (const Stack* const stack : stacks_) {
            for (const StackLibrary& library : stack->libraries) {
                for (const std::string& name : library.names) {
                    by_name_[name].push_back(&library);
                }
            }
        }
    }

    Selection run() {
        while (!round()) {
        }
        find_missing_glibc();
        for (const Stack* const stack : stacks_) {
            for (const auto* list : {&stack->profile.plugins, &stack->profile.data}) {
                for (const ProfileMount& mount : *list) {
                    selection_.covered.push_back(image().resolve(mount.target.value));
                }
            }
        }
        return std::move(selection_);
    }

  private:
    const ElfIndex& host() const { return *question_.host.index; }
    const ElfIndex& image() const { return *question_.image.index; }

    /// Why the image's copy does not serve this host file; empty where it does.
    std::string lacks(std::uint32_t importer, const std::string& soname, std::uint32_t copy) const {
        const auto is_of = [&](const ElfImport& import) {
            return std::ranges::any_of(by_name_.at(soname), [&](const StackLibrary* library) {
                return host().exports(library->file, import.name, "");
            });
        };
        for (const ElfVersionNeed& need : host().version_needs(importer)) {
            if (need.file == soname && !need.weak && !image().defines_version(copy, need.version)) {
                return fmt::format("{} needs {}, which the image's {} lacks",
                                   name_in(host(), importer), need.version, soname);
            }
        }
        const auto missing = host().find_import(importer, [&](const ElfImport& import) {
            return !import.weak && (import.version.empty() || import.file == soname) &&
                   !image().exports(copy, import.name, import.version) &&
                   (!import.version.empty() || is_of(import));
        });
        return missing ? fmt::format("{} needs {}, which the image's {} lacks",
                                     name_in(host(), importer), missing->name, soname)
                       : "";
    }

    /// The same for all of the image's copies; asked again in every round, so it is remembered.
    const std::string& lacks(std::uint32_t importer, const std::string& soname) {
        const auto [known, fresh] = lacks_.try_emplace(std::pair(importer, soname));
        for (std::size_t i = 0; fresh && known->second.empty() && i < copies(soname).size(); ++i) {
            known->second = lacks(importer, soname, copies(soname)[i]);
        }
        return known->second;
    }

    /// A program's own needs are loaded first, by its RUNPATH, and then serve everybody of that
    /// name.
    void add_runpath_copies(const std::string& soname, std::vector<std::uint32_t>& copies) const {
        for (const std::uint32_t user : image().users(soname)) {
            if (image().file(user).runpath.empty() ||
                std::ranges::find(searchers_.files, user) == searchers_.files.end()) {
                continue;
            }
            const auto found = image_.find(user, soname);
            if (found && std::ranges::find(copies, *found) == copies.end()) {
                copies.push_back(*found);
            }
        }
    }

    const std::vector<std::uint32_t>& copies(const std::string& soname) {
        const auto [known, fresh] = copies_.try_emplace(soname);
        if (fresh) {
            known->second = image_.copies(soname, searchers_.directories);
            add_runpath_copies(soname, known->second);
        }
        return known->second;
    }

    void inject(const StackLibrary& library, bool belongs, std::string reason) {
        Selected selected;
        selected.inject = true;
        selected.host_file = library.file;
        selected.names = library.names;
        selected.belongs = belongs;
        selected.reason = std::move(reason);
        selected.replaces =
            belongs ? all_copies(question_.image, question_.host.architecture, library.names)
                    : copies(library.names.front());
        selection_.libraries.emplace(library.names.front(), std::move(selected));
        selection_.importers.push_back(library.file);
    }

    /// Decides on one soname for one importer; false if a keep had to be taken back.
    bool decide(std::uint32_t importer, const std::string& soname, const StackLibrary& library) {
        const std::string& name = library.names.front();
        const auto decided = selection_.libraries.find(name);
        if (decided != selection_.libraries.end() && decided->second.inject) {
            return true;
        }
        if (!stack_family(soname).empty()) {
            inject(library, true,
                   fmt::format("belongs with the host's {}", name_in(host(), importer)));
            return true;
        }
        if (const auto forced = forced_.find(name); forced != forced_.end()) {
            inject(library, false, forced->second);
            return true;
        }
        if (copies(soname).empty()) {
            inject(library, false,
                   fmt::format("{} needs it, and the image has none", name_in(host(), importer)));
            return true;
        }
        if (!image_.system(soname)) {
            inject(library, false,
                   fmt::format("{} needs it, and the image has it only where some of its programs "
                               "look",
                               name_in(host(), importer)));
            return true;
        }
        if (const std::string& why = lacks(importer, soname); !why.empty()) {
            forced_.emplace(name, why);
            return false;
        }
        Selected& kept = selection_.libraries[name];
        kept.host_file = library.file;
        kept.names = library.names;
        kept.kept = copies(soname).front();
        kept.reason =
            fmt::format("the image's own has all that {} asks of it", name_in(host(), importer));
        return true;
    }

    /// From the roots and modules through everything that is injected.
    bool round() {
        selection_ = {};
        for (const Stack* const stack : stacks_) {
            for (const StackLibrary& library : stack->libraries) {
                if (library.role == StackLibrary::Role::root &&
                    !selection_.libraries.contains(library.names.front())) {
                    inject(library, true, fmt::format("profile {}", stack->profile.name));
                } else if (library.role == StackLibrary::Role::module) {
                    selection_.importers.push_back(library.file);
                }
            }
        }
        for (std::size_t i = 0; i < selection_.importers.size(); ++i) {
            const std::uint32_t importer = selection_.importers[i];
            for (const std::string_view needed : host().needed(importer)) {
                const auto library = by_name_.find(needed);
                if (is_glibc(needed) || library == by_name_.end()) {
                    continue;
                }
                if (!decide(importer, std::string(needed), *library->second.front())) {
                    return false;
                }
            }
        }
        return true;
    }

    /// The newest first: it says the most.
    void find_missing_glibc() {
        std::set<std::string> seen;
        for (const std::uint32_t importer : selection_.importers) {
            for (const ElfVersionNeed& need : host().version_needs(importer)) {
                if (need.weak || !is_glibc(need.file) ||
                    !seen.insert(fmt::format("{} {}", need.file, need.version)).second) {
                    continue;
                }
                const auto own = image_.system(need.file);
                if (!own || !image().defines_version(*own, need.version)) {
                    selection_.missing_glibc.push_back({name_in(host(), importer),
                                                        std::string(need.file),
                                                        std::string(need.version)});
                }
            }
        }
        std::ranges::stable_sort(
            selection_.missing_glibc, std::ranges::greater{},
            [](const MissingVersion& one) { return std::pair(one.version.size(), one.version); });
    }

    const Question& question_;
    const Loader& image_;
    const std::vector<const Stack*>& stacks_;
    const Searchers& searchers_;
    /// Two stacks may each have a copy of one library: the first is the one that is used.
    std::map<std::string, std::vector<const StackLibrary*>, std::less<>> by_name_;
    std::map<std::string, std::string> forced_;  ///< sonames whose image copies do not serve: why
    std::map<std::string, std::vector<std::uint32_t>> copies_;
    std::map<std::pair<std::uint32_t, std::string>, std::string> lacks_;
    Selection selection_;
};

}  // namespace

bool is_covered(const Selection& selection, std::string_view path) {
    return std::ranges::any_of(selection.covered,
                               [&](const std::string& shown) { return path_covers(shown, path); });
}

std::vector<std::uint32_t> all_copies(const ImageSide& image, const std::string& architecture,
                                      const std::vector<std::string>& names) {
    std::vector<std::uint32_t> copies;
    for (const std::string& name : names) {
        for (const IndexedFile& file : image.index->with_soname(name)) {
            if (file.architecture == architecture &&
                std::ranges::find(copies, file.id) == copies.end()) {
                copies.push_back(file.id);
            }
        }
    }
    return copies;
}

Selection select_libraries(const Question& question, const Loader& image,
                           const std::vector<const Stack*>& stacks, const Searchers& searchers) {
    return Selector(question, image, stacks, searchers).run();
}

}  // namespace lading::compat
