// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/describe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/compat/families.hpp"

namespace lading::compat {
namespace {

/// What moves bytes between nodes; the other families of a stack's do not.
struct Fabric {
    std::string_view family;
    std::string_view library;  ///< that programs link with
};
constexpr Fabric kFabrics[] = {
    {"ucx", "libucp"}, {"libfabric", "libfabric"}, {"verbs", "libibverbs"}};

/// How the ranks of an MPI find each other under Slurm, its own way first.
struct Meeting {
    std::string_view provides;
    std::string_view words;
    std::vector<std::string_view> plugins;  ///< of `srun --mpi`
};
const std::vector<Meeting>& meetings() {
    static const std::vector<Meeting> table = {
        {"openmpi", "PMIx (--mpi=pmix)", {"pmix"}},
        {"mpich", "PMI-2 (--mpi=pmi2) or PMIx", {"pmi2", "pmix", "cray_shasta"}},
        {"mpi-abi", "PMI-2 or PMIx", {"pmi2", "pmix", "cray_shasta"}},
    };
    return table;
}

const Selected* find_library(const Selection& selection, std::string_view stem) {
    for (const auto& [name, library] : selection.libraries) {
        if (library.inject && split_soname(name).stem == stem) {
            return &library;
        }
    }
    return nullptr;
}

std::vector<std::string> injected_fabrics(const Selection& selection) {
    std::vector<std::string> names;
    for (const Fabric& fabric : kFabrics) {
        if (find_library(selection, fabric.library) != nullptr) {
            names.emplace_back(fabric.family);
        }
    }
    return names;
}

}  // namespace

std::string describe_wish(const Question& question, const Need& need) {
    std::string text(title_of(need.provides));
    if (!need.sonames.empty()) {
        text += fmt::format(" ({})", need.sonames.front());
    }
    if (need.declared) {
        text += ", by label";
    }
    if (need.users.empty() && need.providers.empty() && !need.declared) {
        text += ", by --container-inject";
    }
    if (need.users.empty() && !need.providers.empty()) {
        text += fmt::format(", {}", question.image.index->file(need.providers.front()).path);
    }
    return text;
}

std::string describe_offer(const Question& question, const Attempt& tried) {
    const Stack& stack = *tried.stacks.front();
    for (const StackLibrary& library : stack.libraries) {
        if (library.role == StackLibrary::Role::root) {
            return fmt::format("{} ({})", stack.profile.name,
                               question.host.index->file(library.file).path);
        }
    }
    return stack.profile.name;
}

std::string speed_of(const Selection& selection, StackKind kind) {
    if (kind == StackKind::gpu) {
        return "the host's driver in use";
    }
    const std::vector<std::string> fabrics = injected_fabrics(selection);
    return fabrics.empty() ? "the host's MPI in use"
                           : fmt::format("host fabric in use ({})", fmt::join(fabrics, ", "));
}

Finding finding_without_attempt(const Question& question, const Need& need) {
    Finding finding;
    const bool mpi = need.kind == StackKind::mpi;
    std::vector<std::string> others;
    for (const Stack& stack : question.host.stacks) {
        if (stack.profile.kind == need.kind) {
            others.push_back(fmt::format("{}", title_of(stack.profile.provides)));
        }
    }
    finding.offers = others.empty() ? "nothing" : fmt::format("{}", fmt::join(others, ", "));
    finding.verdict = mpi && !others.empty() ? Verdict::translate : Verdict::missing;
    if (finding.verdict == Verdict::translate) {
        finding.reason = fmt::format("the image is built for {}, this site offers {}",
                                     title_of(need.provides), finding.offers);
        finding.remedy = fmt::format(
            "rebuild on a base with {}, or use a translator such as Wi4MPI in the image",
            others.front());
    } else {
        finding.reason = fmt::format("this site has no profile of {}", title_of(need.provides));
    }
    return finding;
}

std::optional<Finding> describe_fabric(const Question& question, const Selection& selection) {
    std::vector<std::string> own;
    std::vector<std::string> offered;
    for (const Fabric& fabric : kFabrics) {
        if (const Selected* const library = find_library(selection, fabric.library)) {
            offered.emplace_back(question.host.index->file(library->host_file).path);
            if (!library->replaces.empty()) {
                own.emplace_back(fabric.family);
            }
        }
    }
    if (offered.empty()) {
        return std::nullopt;
    }
    Finding finding;
    finding.need = "fabric";
    finding.wants = own.empty() ? "none of its own" : fmt::format("{}", fmt::join(own, ", "));
    finding.offers =
        fmt::format("{} ({})", fmt::join(injected_fabrics(selection), ", "), offered.front());
    finding.verdict = Verdict::ok;
    return finding;
}

std::optional<Finding> describe_pmi(const Question& question, const std::vector<Need>& needs,
                                    const std::vector<const Stack*>& stacks) {
    const auto mpi = std::ranges::find(needs, StackKind::mpi, &Need::kind);
    if (mpi == needs.end() || question.host.pmi.empty()) {
        return std::nullopt;
    }
    // The standard ABI says nothing of it: whose library stands behind it does.
    std::string provides = mpi->provides;
    for (const Stack* const stack : stacks) {
        if (provides == "mpi-abi" && stack->profile.kind == StackKind::mpi) {
            provides = stack->profile.provides;
        }
    }
    const auto meeting = std::ranges::find(meetings(), provides, &Meeting::provides);
    if (meeting == meetings().end()) {
        return std::nullopt;
    }
    Finding finding;
    finding.need = "PMI";
    finding.wants = meeting->words;
    finding.offers = fmt::format("{}", fmt::join(question.host.pmi, ", "));
    const bool met = std::ranges::any_of(question.host.pmi, [&](const std::string& plugin) {
        return std::ranges::any_of(meeting->plugins, [&](std::string_view known) {
            return plugin.starts_with(known);  // pmix_v4
        });
    });
    if (!met) {
        finding.verdict = Verdict::missing;
        finding.reason = "this Slurm has none of them: each rank would be alone in a world of one";
        finding.remedy =
            "start the ranks with the image's own mpirun, or ask the administrator "
            "for Slurm's plugin";
    }
    return finding;
}

Finding check_cpu(const Question& question, const Loader& loader, const Subject& subject) {
    const HostSide& host = question.host;
    std::vector<std::uint32_t> files = subject.files;
    if (const auto libc = loader.system("libc.so.6")) {
        files.push_back(*libc);
    }
    const auto demanding = std::ranges::max_element(
        files, {}, [&](std::uint32_t file) { return question.image.index->file(file).isa_level; });
    const unsigned level =
        demanding == files.end() ? 0 : question.image.index->file(*demanding).isa_level;
    Finding finding;
    finding.need = "CPU";
    finding.wants =
        level > 1 ? fmt::format("{} x86-64-v{}", host.architecture, level) : host.architecture;
    finding.offers = host.isa_level > 0
                         ? fmt::format("{} x86-64-v{}", host.architecture, host.isa_level)
                         : host.architecture;
    if (host.isa_level > 0 && level > host.isa_level) {
        finding.verdict = Verdict::no_cpu;
        finding.reason = fmt::format("{} is built for x86-64-v{} (GNU_PROPERTY_X86_ISA_1_NEEDED)",
                                     question.image.index->file(*demanding).path, level);
        finding.remedy = "ask Slurm for newer nodes (--constraint), or rebuild for x86-64-v" +
                         std::to_string(host.isa_level);
        finding.refuses = true;
    }
    return finding;
}

std::optional<Finding> check_architecture(const Question& question, const Subject& subject) {
    const std::string& host = question.host.architecture;
    const auto runs = [&](std::string_view machine) {
        return machine.empty() || machine == host || (machine == "386" && host == "amd64") ||
               (machine == "arm" && host == "arm64");
    };
    Finding finding;
    finding.need = "CPU";
    finding.offers = host;
    finding.verdict = Verdict::no_arch;
    finding.remedy = "use an image built for this node's architecture";
    finding.refuses = true;
    if (const std::string& image = question.image.architecture; !runs(image)) {
        finding.wants = image;
        finding.reason = fmt::format("the image is built for {}, this node is {}", image, host);
        return finding;
    }
    for (const std::uint32_t program : subject.programs) {
        const formats::IndexedFile file = question.image.index->file(program);
        if (!runs(file.architecture)) {
            finding.wants = file.architecture;
            finding.reason = fmt::format("{} is built for {}, this node is {}", file.path,
                                         file.architecture, host);
            return finding;
        }
    }
    return std::nullopt;
}

Finding describe_libc(const Question& question, const Injection& injection,
                      const std::string& own) {
    Finding finding;
    finding.need = "libc";
    finding.wants = own;
    finding.offers = question.host.libc.version.empty()
                         ? "none"
                         : fmt::format("glibc {}", question.host.libc.version);
    if (!injection.libc.version.empty()) {
        finding.verdict = Verdict::ok_glibc;
        finding.reason = "the host's libraries need it; the image's static programs keep theirs";
    }
    const auto label = question.image.labels.find("org.supercontainers.glibc");
    if (label != question.image.labels.end() && own != "glibc " + label->second) {
        finding.reason = fmt::format(
            "{}{}the label org.supercontainers.glibc says {}, the image's "
            "libc says {}",
            finding.reason, finding.reason.empty() ? "" : "; ", label->second, own);
    }
    return finding;
}

}  // namespace lading::compat
