// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/attempt.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/compat/families.hpp"
#include "core/compat/materialise.hpp"

namespace lading::compat {
namespace {

using formats::IndexedFile;

constexpr std::size_t kShown = 3;

bool contains(const std::vector<std::uint32_t>& files, std::uint32_t file) {
    return std::ranges::find(files, file) != files.end();
}

std::vector<const Stack*> with_companions(const Question& question, const Stack& first) {
    std::vector<const Stack*> stacks{&first};
    for (std::size_t i = 0; i < stacks.size(); ++i) {
        for (const std::string& name : stacks[i]->profile.with) {
            for (const Stack& stack : question.host.stacks) {
                if (stack.profile.name == name &&
                    std::ranges::find(stacks, &stack) == stacks.end()) {
                    stacks.push_back(&stack);
                }
            }
        }
    }
    return stacks;
}

/// Does the host's interface version differ from what the image's programs ask for?
std::string missing_interface(const Attempt& tried, const Need& need) {
    if (need.sonames.empty()) {
        return {};
    }
    std::vector<std::string> offered;
    for (const auto& [name, library] : tried.selection.libraries) {
        offered.insert(offered.end(), library.names.begin(), library.names.end());
    }
    for (const std::string& soname : need.sonames) {
        if (std::ranges::find(offered, soname) != offered.end()) {
            return {};
        }
    }
    return fmt::format("the image needs {}, the host's {} offers {}", need.sonames.front(),
                       tried.stacks.front()->profile.name,
                       offered.empty() ? std::string("nothing") : offered.front());
}

/// Does one of the host's libraries need what neither side has?  A module that does is passed over
/// by the library that would load it.
std::string unsatisfied(const Question& question, const Selection& selection) {
    std::set<std::string_view> names;
    for (const auto& [name, library] : selection.libraries) {
        names.insert(library.names.begin(), library.names.end());
    }
    const formats::ElfIndex& host = *question.host.index;
    for (const auto& [name, library] : selection.libraries) {
        if (!library.inject) {
            continue;
        }
        for (const std::string_view needed : host.needed(library.host_file)) {
            if (!is_glibc(needed) && !names.contains(needed) &&
                question.image.index->with_soname(needed).empty()) {
                return fmt::format(
                    "the host's {} needs {}, which neither this host nor the image has",
                    host.file(library.host_file).path, needed);
            }
        }
    }
    return {};
}

std::string describe(const Question& question, const Broken& broken) {
    return fmt::format("{} {}", question.image.index->file(broken.file).path, broken.why);
}

void judge_glibc(const Question& question, const Loader& loader, const Subject& subject,
                 Attempt& tried) {
    if (tried.selection.missing_glibc.empty()) {
        return;
    }
    const MissingVersion& first = tried.selection.missing_glibc.front();
    const std::string own = image_glibc(question, loader);
    tried.reason = fmt::format("the host's {} needs {}, the image's glibc is {}", first.by,
                               first.version, own.empty() ? "none" : own);
    tried.remedy =
        "rebuild the image on a newer release of its distribution, or run with "
        "--container-inject=none";
    if (own.empty() || question.host.libc.family.empty()) {
        tried.verdict = Verdict::no_glibc;
        return;
    }
    tried.needs_glibc = true;
    std::vector<Broken> users = check_glibc_users(question, tried.selection);
    const auto ours = std::ranges::find_if(
        users, [&](const Broken& user) { return contains(subject.files, user.file); });
    if (ours != users.end()) {
        tried.verdict = Verdict::no_glibc;
        tried.reason = fmt::format("{}; and {}", tried.reason, describe(question, *ours));
        return;
    }
    tried.verdict = Verdict::ok_glibc;
    tried.reason += fmt::format(": using the host's {}", question.host.libc.version);
    tried.remedy.clear();
    tried.broken.insert(tried.broken.end(), users.begin(), users.end());
}

/// What of the image's files the job's programs load once the host's have taken their places: what
/// only a replaced library needed is not among them.
std::set<std::uint32_t> still_loaded(const Loader& loader, const Subject& subject,
                                     const Selection& selection) {
    std::set<std::uint32_t> replaced;
    std::set<std::uint32_t> loaded;
    std::vector<std::uint32_t> roots = subject.programs;
    for (const auto& [name, library] : selection.libraries) {
        if (library.inject) {
            replaced.insert(library.replaces.begin(), library.replaces.end());
        } else if (!subject.programs.empty()) {
            roots.push_back(library.kept);
        }
    }
    for (const std::uint32_t root : roots) {
        loaded.insert(root);
        for (const Loaded& library : loader.closure(root, replaced)) {
            if (library.file && !replaced.contains(*library.file)) {
                loaded.insert(*library.file);
            }
        }
    }
    return loaded;
}

/// An interpreter's module that uses this stack is what a script of that interpreter's is run for.
bool is_module_of(const Subject& subject, const IndexedFile& file, const Need& need,
                  std::uint32_t id) {
    return !subject.modules.empty() && file.kind == formats::ElfFile::Kind::library &&
           file.path.find(subject.modules) != std::string_view::npos && contains(need.users, id);
}

std::string name_broken(const Question& question, const std::vector<Broken>& broken) {
    std::vector<std::string> names;
    for (const Broken& one : broken) {
        names.emplace_back(question.image.index->file(one.file).path);
    }
    const std::size_t more = names.size() - std::min(names.size(), kShown);
    names.resize(names.size() - more);
    return fmt::format("these of the image's files will not work: {}{}", fmt::join(names, ", "),
                       more > 0 ? fmt::format(" and {} more", more) : "");
}

/// What is broken decides nothing.  A linked program is no worse off for what happens to files that
/// it does not load; a script, or a job that is not known, may run them.
void tell_of_broken(const Question& question, const Subject& subject,
                    const std::set<std::uint32_t>& loaded, Attempt& tried) {
    if (tried.broken.empty() || tried.verdict >= Verdict::degraded) {
        return;
    }
    std::string others = name_broken(question, tried.broken);
    const bool linked = !subject.programs.empty() && !subject.scripted;
    if (linked && std::ranges::none_of(tried.broken, [&](const Broken& user) {
            return loaded.contains(user.file);
        })) {
        tried.note = std::move(others);
        return;
    }
    tried.verdict = Verdict::degraded;
    tried.reason += (tried.reason.empty() ? "" : "; ") + others;
}

/// Which of the broken decide: the job's own programs and libraries; without a job, all users of
/// the stack together.
void judge_users(const Question& question, const Loader& loader, const Subject& subject,
                 const Need& need, Attempt& tried) {
    const std::set<std::uint32_t> loaded = still_loaded(loader, subject, tried.selection);
    const auto ours = [&](const Broken& user) {
        const IndexedFile file = question.image.index->file(user.file);
        // A binding that the host's MPI does not have (OpenSHMEM's) stays, and fails when it is
        // called: functions are bound as late as that.
        if (is_mpi_soname(file.soname) || !stack_family(file.soname).empty()) {
            return false;
        }
        return loaded.contains(user.file) ||
               is_module_of(subject, question.image.index->file(user.file), need, user.file);
    };
    const auto user = std::ranges::find_if(tried.broken, ours);
    const auto is_broken = [&](std::uint32_t file) {
        return std::ranges::any_of(tried.broken,
                                   [&](const Broken& one) { return one.file == file; });
    };
    const auto is_lost = [&](std::uint32_t file) {
        return is_broken(file) ||
               is_covered(tried.selection, question.image.index->file(file).path);
    };
    const bool all = subject.programs.empty() && std::ranges::any_of(need.users, is_broken) &&
                     std::ranges::all_of(need.users, is_lost);
    if (user == tried.broken.end() && !all) {
        tell_of_broken(question, subject, loaded, tried);
        return;
    }
    const Broken& first = user == tried.broken.end() ? tried.broken.front() : *user;
    const bool belongs = std::ranges::any_of(tried.selection.libraries, [&](const auto& entry) {
        return entry.second.belongs &&
               std::ranges::find(entry.second.names, first.library) != entry.second.names.end();
    });
    tried.verdict = belongs ? Verdict::no_symbol : Verdict::conflict;
    tried.reason = describe(question, first);
    tried.remedy = belongs ? "rebuild the program against an MPI as old as the host's, or run with "
                             "--container-inject=none"
                           : "rebuild the image on a release closer to the host's, or run with "
                             "--container-inject=none";
}

}  // namespace

Searchers find_searchers(const Question& question, const Loader& loader,
                         std::vector<std::uint32_t> files) {
    Searchers searchers;
    for (const std::uint32_t id : files) {
        const IndexedFile file = question.image.index->file(id);
        if (is_mpi_soname(file.soname) || !stack_family(file.soname).empty()) {
            continue;  // the host's takes its place, without its RPATH
        }
        for (std::string& directory : loader.directories(file, file.rpath)) {
            if (std::ranges::find(searchers.directories, directory) ==
                searchers.directories.end()) {
                searchers.directories.push_back(std::move(directory));
            }
        }
    }
    searchers.files = std::move(files);
    return searchers;
}

Attempt attempt(const Question& question, const Loader& loader, const Subject& subject,
                const Need& need, const Stack& stack) {
    Attempt tried;
    tried.stacks = with_companions(question, stack);
    for (const Stack* const one : tried.stacks) {
        if (!one->missing.empty()) {
            tried.verdict = Verdict::missing;
            tried.reason = one->missing;
            return tried;
        }
    }
    std::vector<std::uint32_t> users = need.users;
    users.insert(users.end(), subject.files.begin(), subject.files.end());
    tried.selection = select_libraries(question, loader, tried.stacks,
                                       find_searchers(question, loader, std::move(users)));
    if (need.kind == StackKind::mpi) {
        if (std::string why = missing_interface(tried, need); !why.empty()) {
            tried.verdict = Verdict::no_abi;
            tried.reason = std::move(why);
            tried.remedy =
                "rebuild the program with the host's release of MPI, or run with "
                "--container-inject=none";
            return tried;
        }
    }
    if (std::string why = unsatisfied(question, tried.selection); !why.empty()) {
        tried.verdict = Verdict::missing;
        tried.reason = std::move(why);
        tried.remedy = "ask the administrator to install it on the nodes";
        return tried;
    }
    tried.broken = check_users(question, loader, tried.selection);
    judge_glibc(question, loader, subject, tried);
    if (tried.verdict != Verdict::no_glibc) {
        judge_users(question, loader, subject, need, tried);
    }
    return tried;
}

}  // namespace lading::compat
