// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <set>

#include "core/app/describe_stacks.hpp"

namespace lading::app {
namespace {

/// Debian's name and upstream's of each library of MPICH's family (MPICH, MVAPICH, Intel, Cray):
/// the interface is the same since MPICH 3.1, so that each serves programs that ask for the other.
constexpr std::array<const char*, 2> kMpich[] = {
    {"libmpich.so.12", "libmpi.so.12"},
    {"libmpichfort.so.12", "libmpifort.so.12"},
    {"libmpichcxx.so.12", "libmpicxx.so.12"},
};

constexpr const char* kOpenMpi = "libmpi.so.40";  // Open MPI 3 to 6
/// Bindings, which programs ask for.
constexpr const char* kOpenMpiBindings[] = {"libmpi_mpifh.so.40", "libmpi_usempif08.so.40",
                                            "libmpi_usempi_ignore_tkr.so.40", "libmpi_cxx.so.40"};
/// What libmpi.so.40 itself stands on; their numbers differ between releases.
constexpr std::string_view kOpenMpiParts[] = {"libopen-rte.so.", "libopen-pal.so.",
                                              "libopen_mpi.so."};
constexpr const char* kStandardAbi = "libmpi_abi.so.1";

void describe_mpich(const Surveyor& survey, std::vector<Profile>& found) {
    Profile profile;
    profile.name = profile.provides = "mpich";
    for (const auto& pair : kMpich) {
        for (const char* const name : pair) {
            const std::string path = survey.find(name);
            const auto facts = path.empty() ? std::nullopt : survey.host().library(path);
            // Open MPI 1.10 was a libmpi.so.12 as well.
            if (!facts || facts->open_mpi || (profile.libraries.empty() && !facts->mpi)) {
                continue;
            }
            profile.libraries.push_back(survey.describe(path, {pair[0], pair[1]}));
            break;
        }
        if (profile.libraries.empty()) {
            return;
        }
    }
    if (const std::string path = survey.find(kStandardAbi); !path.empty()) {
        const auto facts = survey.host().library(path);
        if (facts && facts->mpi && !facts->open_mpi) {
            profile.libraries.push_back(survey.describe(path, {}));
        }
    }
    found.push_back(std::move(profile));
}

/// Open MPI's own parts that its library needs, in the order in which they are met.
std::vector<std::string> open_mpi_parts(const Surveyor& survey, const std::string& main) {
    std::vector<std::string> paths = {main};
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto facts = survey.host().library(paths[i]);
        for (const std::string& needed : facts ? facts->needed : std::vector<std::string>{}) {
            const bool own = std::ranges::any_of(
                kOpenMpiParts, [&](std::string_view stem) { return needed.starts_with(stem); });
            const std::string path = own ? survey.find(needed) : "";
            if (!path.empty() && std::ranges::find(paths, path) == paths.end()) {
                paths.push_back(path);
            }
        }
    }
    return paths;
}

/// The directories above a library, nearest first: one of them is the prefix it was built with.
std::vector<std::string> ancestors(const std::string& path) {
    std::vector<std::string> above;
    for (std::string at = directory_of(path); !at.empty(); at = directory_of(at)) {
        above.push_back(at);
    }
    return above;
}

/// Open MPI keeps its directories as `${libdir}/openmpi40` and `${prefix}/lib/…` and joins them at
/// run time.  Each way to join them, for the caller to try.
struct InstallWords {
    std::set<std::string> libraries;  ///< `${prefix}/lib/x86_64-linux-gnu/openmpi/lib`
    std::set<std::string> modules;    ///< `/openmpi40`, below libdir
    std::set<std::string> literal;    ///< what is written out
};

InstallWords install_words(const Surveyor& survey, const std::vector<std::string>& parts) {
    InstallWords words;
    for (const std::string& part : parts) {
        for (const std::string& word : survey.host().path_words(part)) {
            if (word.starts_with("${libdir}/openmpi")) {
                words.modules.insert(word.substr(std::string_view("${libdir}").size()));
            }
            for (const std::string_view prefix : {"${prefix}/lib", "${exec_prefix}/lib"}) {
                if (word.starts_with(prefix)) {
                    words.libraries.insert(word.substr(word.find('/')));
                }
            }
            if (word.starts_with('/')) {
                words.literal.insert(word);
            }
        }
    }
    return words;
}

std::vector<std::string> module_directories(const std::string& main, const InstallWords& words) {
    std::vector<std::string> candidates;
    // Written out: /usr/lib/x86_64-linux-gnu/openmpi/lib/openmpi3/libompi_dbg_msgq.so.
    for (const std::string& word : words.literal) {
        if (word.ends_with("/libompi_dbg_msgq.so")) {
            candidates.push_back(directory_of(word));
        }
    }
    for (const std::string& above : ancestors(main)) {
        for (const std::string& libraries : words.libraries) {
            for (const std::string& modules : words.modules) {
                candidates.push_back(above + libraries + modules);
            }
        }
    }
    for (const std::string& modules : words.modules) {
        candidates.push_back(directory_of(main) + modules);
    }
    candidates.push_back(directory_of(main) + "/openmpi");
    return candidates;
}

void describe_open_mpi(const Surveyor& survey, std::vector<Profile>& found) {
    const std::string main = survey.find(kOpenMpi);
    const auto facts = main.empty() ? std::nullopt : survey.host().library(main);
    if (!facts || !facts->open_mpi) {
        return;
    }
    Profile profile;
    profile.name = profile.provides = "openmpi";
    const std::vector<std::string> parts = open_mpi_parts(survey, main);
    profile.libraries.push_back(survey.describe(main, {}));
    survey.add_libraries(profile, {std::begin(kOpenMpiBindings), std::end(kOpenMpiBindings)});
    for (std::size_t i = 1; i < parts.size(); ++i) {
        profile.libraries.push_back(survey.describe(parts[i], {}));
    }
    const InstallWords words = install_words(survey, parts);
    survey.add_plugins(profile, module_directories(survey.host().resolve(main), words), "mca_");
    for (const std::string& word : words.literal) {
        if (word.ends_with("/etc/openmpi")) {
            survey.add_data(profile, {word});
        }
    }
    for (const std::string& above : ancestors(main)) {
        survey.add_data(profile, {above + "/share/openmpi"});
        if (survey.host().exists(above + "/etc/openmpi-mca-params.conf")) {
            survey.add_data(profile, {above + "/etc"});
        }
    }
    found.push_back(std::move(profile));
}

/// Programs of MPI 5's standard interface run on either family's.
void describe_standard_abi(const Surveyor& survey, std::vector<Profile>& found) {
    const std::string path = survey.find(kStandardAbi);
    const auto facts = path.empty() ? std::nullopt : survey.host().library(path);
    if (!facts || !(facts->mpi || facts->open_mpi)) {
        return;
    }
    Profile profile;
    profile.name = profile.provides = "mpi-abi";
    profile.libraries.push_back(survey.describe(path, {}));
    found.push_back(std::move(profile));
}

}  // namespace

std::vector<Profile> describe_mpis(const Surveyor& survey) {
    std::vector<Profile> found;
    describe_mpich(survey, found);
    describe_open_mpi(survey, found);
    describe_standard_abi(survey, found);
    return found;
}

}  // namespace lading::app
