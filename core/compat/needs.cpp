// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/needs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/compat/families.hpp"

namespace lading::compat {
namespace {

using formats::ElfFile;
using formats::ElfIndex;
using formats::IndexedFile;

constexpr std::string_view kLabel = "org.supercontainers.";
constexpr int kScripts = 4;  // as the kernel follows them

struct Interpreter {
    std::string_view name;
    std::string_view modules;  ///< part of the paths of what it loads; empty: it runs programs
};
constexpr Interpreter kInterpreters[] = {
    {"python", "/python"}, {"perl", "/perl"}, {"ruby", "/ruby"}, {"julia", "/julia"},
    {"lua", "/lua"},       {"R", "/R/"},      {"sh", ""},        {"bash", ""},
    {"dash", ""},          {"zsh", ""},       {"env", ""},       {"busybox", ""},
};

/// `python`, `python3`, `python3.11`; not `pythonize`.
bool is_release_of(std::string_view name, std::string_view program) {
    return name.starts_with(program) &&
           name.find_first_not_of("0123456789.", program.size()) == std::string_view::npos;
}

std::string label(const ImageSide& image, std::string_view name) {
    const auto found = image.labels.find(std::string(kLabel).append(name));
    return found == image.labels.end() ? "" : found->second;
}

template <typename List, typename Value>
void add_once(List& list, const Value& value) {
    if (std::ranges::find(list, value) == list.end()) {
        list.push_back(value);
    }
}

/// Its handles are objects of the library's, which a program that is bound to its place copies.
bool uses_open_mpi(const ElfIndex& index, std::uint32_t user) {
    const auto is_its_own = [](const auto& symbol) { return symbol.name.starts_with("ompi_"); };
    return index.find_import(user, is_its_own) ||
           std::ranges::any_of(index.copies(user), is_its_own);
}

std::string flavour_of(const ElfIndex& index, const IndexedFile& library) {
    const std::string_view by_name = mpi_flavour_of_name(library.soname);
    if (!by_name.empty()) {
        return std::string(by_name);
    }
    return index.exports(library.id, "ompi_mpi_comm_world", "") ? "openmpi" : "mpich";
}

/// The flavour that a user of `libmpi.so.12` means: by its handles, or for want of any by the
/// library that the image has for it.
std::string flavour_of_use(const ElfIndex& index, const IndexedFile& user,
                           std::string_view soname) {
    const std::string_view by_name = mpi_flavour_of_name(soname);
    if (!by_name.empty()) {
        return std::string(by_name);
    }
    const auto own = index.with_soname(soname);
    const auto is_open_mpi = [&](const IndexedFile& library) {
        return library.architecture != user.architecture || flavour_of(index, library) == "openmpi";
    };
    return uses_open_mpi(index, user.id) || (!own.empty() && std::ranges::all_of(own, is_open_mpi))
               ? "openmpi"
               : "mpich";
}

class Needs {
  public:
    Needs(const ImageSide& image, const std::string& architecture, const Subject& subject)
        : image_(image), index_(*image.index), architecture_(architecture), subject_(subject) {}

    std::vector<Need> find() {
        for (const std::uint32_t id : concerned()) {
            const IndexedFile file = index_.file(id);
            if (file.architecture == architecture_) {
                look_at(file);
            }
        }
        for (const auto& [kind, name] :
             {std::pair{StackKind::mpi, "mpi"}, std::pair{StackKind::gpu, "gpu"}}) {
            heed_label(kind, name);
        }
        narrow();
        std::ranges::stable_sort(needs_, {}, [](const Need& need) {
            return std::pair(need.kind != StackKind::mpi, !need.declared);
        });
        return std::move(needs_);
    }

  private:
    /// The files that are such a library, or need one.
    std::set<std::uint32_t> concerned() const {
        std::set<std::uint32_t> files;
        for (const std::string_view name : index_.sonames()) {
            if (is_mpi_soname(name) || !gpu_of_soname(name).empty()) {
                for (const IndexedFile& file : index_.with_soname(name)) {
                    files.insert(file.id);
                }
                for (const std::uint32_t user : index_.users(name)) {
                    files.insert(user);
                }
            }
        }
        return files;
    }

    Need& need(StackKind kind, std::string_view provides) {
        for (Need& known : needs_) {
            if (known.kind == kind && known.provides == provides) {
                return known;
            }
        }
        needs_.push_back({});
        needs_.back().kind = kind;
        needs_.back().provides = provides;
        return needs_.back();
    }

    void look_at(const IndexedFile& file) {
        const bool mpi = is_mpi_soname(file.soname);
        const std::string_view gpu = gpu_of_soname(file.soname);
        if (mpi || !gpu.empty()) {
            Need& own =
                mpi ? need(StackKind::mpi, flavour_of(index_, file)) : need(StackKind::gpu, gpu);
            own.providers.push_back(file.id);
            add_once(own.sonames, std::string(file.soname));
        }
        for (const std::string_view soname : index_.needed(file.id)) {
            const std::string_view device = gpu_of_soname(soname);
            if (is_mpi_soname(soname)) {
                use(need(StackKind::mpi, flavour_of_use(index_, file, soname)), file, soname);
            } else if (!device.empty()) {
                use(need(StackKind::gpu, device), file, soname);
            }
        }
    }

    void use(Need& used, const IndexedFile& file, std::string_view soname) {
        // hwloc's modules would show a device that is there; no job is run for them.
        if (file.path.find("/hwloc/") != std::string_view::npos) {
            return;
        }
        if (!is_mpi_soname(file.soname)) {  // a binding of the library's own is no user
            add_once(used.users, file.id);
        }
        add_once(used.sonames, std::string(soname));
        used.direct =
            used.direct || std::ranges::find(subject_.files, file.id) != subject_.files.end();
    }

    void heed_label(StackKind kind, std::string_view name) {
        const std::string value = label(image_, name);
        if (value.empty() || value == "none") {
            return;
        }
        std::vector<std::string> others;
        for (const Need& other : needs_) {
            if (other.kind == kind && other.provides != value) {
                others.push_back(std::string(title_of(other.provides)));
            }
        }
        const bool seen = std::ranges::any_of(needs_, [&](const Need& other) {
            return other.kind == kind && other.provides == value;
        });
        if (!seen && !others.empty()) {
            for (Need& other : needs_) {
                if (other.kind == kind) {
                    other.contradiction =
                        fmt::format("the label {}{} says {}, the image's files say {}", kLabel,
                                    name, value, fmt::join(others, ", "));
                }
            }
            return;  // files win
        }
        need(kind, value).declared = true;
    }

    /// A program that is linked to one MPI has no use for the image's other one.
    void narrow() {
        if (subject_.programs.empty() || subject_.scripted) {
            return;
        }
        for (const StackKind kind : {StackKind::mpi, StackKind::gpu}) {
            const auto direct = [&](const Need& one) { return one.kind == kind && one.direct; };
            // A GPU library that a linked program does not load, some module of another might.
            if (std::ranges::any_of(needs_, direct) || kind == StackKind::gpu) {
                std::erase_if(needs_, [&](const Need& one) {
                    const bool asked = kind == StackKind::gpu && one.declared;
                    return one.kind == kind && !one.direct && !asked;
                });
            }
        }
    }

    const ImageSide& image_;
    const ElfIndex& index_;
    const std::string& architecture_;
    const Subject& subject_;
    std::vector<Need> needs_;
};

}  // namespace

Subject find_subject(const ImageSide& image, const Loader& loader) {
    Subject subject;
    const ElfIndex& index = *image.index;
    for (const std::string& path : image.programs) {
        std::string at = path;
        for (int i = 0; i < kScripts; ++i) {
            const std::string interpreter = index.script_interpreter(at);
            if (interpreter.empty()) {
                break;
            }
            at = interpreter;
            subject.scripted = true;
        }
        const std::optional<IndexedFile> program = index.find(at);
        if (!program) {
            subject.scripted = true;  // unknown: outside of the image, or no program of this kind
            continue;
        }
        // An interpreter that is run by itself is a script's as well: `python3 app.py`.
        const std::string_view name = program->path.substr(program->path.rfind('/') + 1);
        const auto known = std::ranges::find_if(
            kInterpreters, [&](const Interpreter& one) { return is_release_of(name, one.name); });
        if (known != std::end(kInterpreters)) {
            subject.scripted = true;
            subject.modules = known->modules;
        }
        add_once(subject.programs, program->id);
        add_once(subject.files, program->id);
        subject.any_static =
            subject.any_static || !program->dynamic ||
            (program->kind == ElfFile::Kind::program && program->interpreter.empty());
        for (const Loaded& loaded : loader.closure(program->id)) {
            if (loaded.file) {
                add_once(subject.files, *loaded.file);
            }
        }
    }
    return subject;
}

std::vector<Need> find_needs(const ImageSide& image, const std::string& architecture,
                             const Subject& subject) {
    return Needs(image, architecture, subject).find();
}

}  // namespace lading::compat
