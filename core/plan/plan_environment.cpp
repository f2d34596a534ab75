// SPDX-License-Identifier: BSD-3-Clause
#include "core/plan/plan_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace lading::plan {
namespace {

/// Job variables that an image must not inherit, since they break programs of another file system.
/// Deliberately short: what merely points to nowhere in there (MANPATH, MODULEPATH, …) does no
/// harm, and a variable that the user sees vanish is a riddle.
constexpr std::string_view kHostOnly[] = {
    "PATH",             // the image has programs of its own
    "LD_LIBRARY_PATH",  // libraries linked to another libc crash or misbehave
    "LD_PRELOAD",       // likewise; or a warning from the loader for each program
    "LD_AUDIT",         // likewise
    "GCONV_PATH",       // the libc loads converters from there, built for another libc
    "LOCPATH",          // a locale of another libc's layout makes every program abort
    "PYTHONHOME",       // the interpreter finds no standard library at all
};

enum class Wins {
    always,  ///< the image's value is not even taken where the job has none
    if_set,  ///< the job's, else the image's
};

struct JobVariable {
    std::string_view pattern;  ///< a trailing `*` stands for any rest
    Wins wins;
};

constexpr JobVariable kJobVariables[] = {
    // Slurm's and the PMI server's words to the task; also what slurmstepd itself acts upon.
    {"SLURM*", Wins::always},
    {"SPANK_*", Wins::always},
    {"PMI*", Wins::always},  // PMI_, PMI2_, PMIX_
    // Who the user is does not change with the image, which often says root.
    {"HOME", Wins::always},
    {"USER", Wins::always},
    {"LOGNAME", Wins::always},
    // What Slurm granted of the node's devices.
    {"CUDA_VISIBLE_DEVICES", Wins::if_set},
    {"ROCR_VISIBLE_DEVICES", Wins::if_set},
    {"HIP_VISIBLE_DEVICES", Wins::if_set},
    {"ZE_AFFINITY_MASK", Wins::if_set},
    {"GPU_DEVICE_ORDINAL", Wins::if_set},
    // What the job asks of its cores: images say OMP_NUM_THREADS=1.
    {"OMP_*", Wins::if_set},
    // The terminal, the display, the node's scratch space, and the user's credentials.
    {"TERM", Wins::if_set},
    {"COLUMNS", Wins::if_set},
    {"LINES", Wins::if_set},
    {"DISPLAY", Wins::if_set},
    {"XAUTHORITY", Wins::if_set},
    {"TMPDIR", Wins::if_set},
    {"KRB5CCNAME", Wins::if_set},
};

/// Where an image says nothing: what runc and podman use.
constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One variable beyond MAX_ARG_STRLEN, or all beyond a quarter of the usual stack limit, fail the
/// exec with a bare "Argument list too long".
constexpr std::size_t kVariableBytes = (128U << 10) - 1;
constexpr std::size_t kImageBytes = 1U << 20;

using Variables = std::map<std::string, std::string, std::less<>>;

bool matches(std::string_view pattern, std::string_view name) {
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : pattern == name;
}

bool any_matches(const auto& patterns, std::string_view name) {
    return std::ranges::any_of(patterns,
                               [&](std::string_view pattern) { return matches(pattern, name); });
}

/// The first of several values counts, as for getenv(3).  Not a variable: no `=`, no name, a NUL.
Variables read_variables(const std::vector<std::string>& entries) {
    Variables variables;
    for (const std::string& entry : entries) {
        const std::size_t equals = entry.find('=');
        if (equals != std::string::npos && equals > 0 && entry.find('\0') == std::string::npos) {
            variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
        }
    }
    return variables;
}

Result<> check_size(const ImageFacts& image) {
    std::size_t total = 0;
    for (const std::string& entry : image.document.config.environment) {
        total += entry.size() + 1;
        if (entry.size() > kVariableBytes || total > kImageBytes) {
            return fail(Code::bad_image,
                        fmt::format("the environment of image {} is too large to start a program "
                                    "with",
                                    image.reference),
                        "build the image with fewer or shorter ENV lines");
        }
    }
    return {};
}

bool image_may_set(std::string_view name, bool job_has_it) {
    return std::ranges::none_of(kJobVariables, [&](const JobVariable& variable) {
        return matches(variable.pattern, name) && (variable.wins == Wins::always || job_has_it);
    });
}

std::vector<EnvironmentEdit> difference(const Variables& from, const Variables& to) {
    std::vector<EnvironmentEdit> edits;
    for (const auto& [name, value] : to) {
        const auto old = from.find(name);
        if (old == from.end() || old->second != value) {
            edits.push_back({name, value});
        }
    }
    for (const auto& [name, value] : from) {
        if (!to.contains(name)) {
            edits.push_back({name, std::nullopt});
        }
    }
    std::ranges::sort(edits, {}, &EnvironmentEdit::name);
    return edits;
}

}  // namespace

Result<std::vector<EnvironmentEdit>> plan_environment(const Request& request,
                                                      const ImageFacts& image,
                                                      const HostFacts& host,
                                                      const SiteConfig& site) {
    TRY(check_size(image));
    const Variables job = read_variables(host.step.environment);
    const auto kept = [&](std::string_view name) {
        return job.contains(name) &&
               (any_matches(site.pass_environment, name) ||
                std::ranges::find(request.environment, name) != request.environment.end());
    };
    Variables wanted = job;
    std::erase_if(wanted, [&](const auto& variable) {
        return any_matches(kHostOnly, variable.first) && !kept(variable.first);
    });
    for (const auto& [name, value] : read_variables(image.document.config.environment)) {
        if (!kept(name) && image_may_set(name, job.contains(name))) {
            wanted.insert_or_assign(name, value);
        }
    }
    // An empty PATH would mean the working directory.
    if (std::string& path = wanted["PATH"]; path.empty()) {
        path = kPath;
    }
    for (const auto& [name, value] : site.environment) {
        wanted.insert_or_assign(name, value);
    }
    return difference(job, wanted);
}

}  // namespace lading::plan
