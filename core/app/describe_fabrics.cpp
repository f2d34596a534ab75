// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "core/app/describe_stacks.hpp"

namespace lading::app {
namespace {

Profile fabric(const char* name) {
    Profile profile;
    profile.name = profile.provides = name;
    profile.kind = StackKind::fabric;
    return profile;
}

/// The texts in a library that are whole paths and end so.
std::vector<std::string> words_ending(const Surveyor& survey, const std::string& library,
                                      std::string_view ending) {
    std::vector<std::string> words = survey.host().path_words(library);
    std::erase_if(words, [&](const std::string& word) {
        return !word.starts_with('/') || !word.ends_with(ending);
    });
    return words;
}

/// Beside the real library first: that is how UCX finds its modules before all else.
std::vector<std::string> beside(const Surveyor& survey, const std::string& library,
                                const std::string& name) {
    std::vector<std::string> candidates = {directory_of(survey.host().resolve(library)) + name};
    const std::vector<std::string> words = words_ending(survey, library, name);
    candidates.insert(candidates.end(), words.begin(), words.end());
    return candidates;
}

void describe_ucx(const Surveyor& survey, std::vector<Profile>& found) {
    const std::string ucs = survey.find("libucs.so.0");
    if (ucs.empty() || survey.find("libucp.so.0").empty()) {
        return;
    }
    Profile profile = fabric("ucx");
    survey.add_libraries(profile, {"libucp.so.0", "libuct.so.0", "libucs.so.0", "libucm.so.0",
                                   "libucs_signal.so.0"});
    survey.add_plugins(profile, beside(survey, ucs, "/ucx"), "libuc");
    survey.add_data(profile, words_ending(survey, ucs, "/etc/ucx"));
    found.push_back(std::move(profile));
}

void describe_libfabric(const Surveyor& survey, std::vector<Profile>& found) {
    const std::string main = survey.find("libfabric.so.1");
    if (main.empty()) {
        return;
    }
    Profile profile = fabric("libfabric");
    survey.add_libraries(profile, {"libfabric.so.1"});
    survey.add_plugins(profile, beside(survey, main, "/libfabric"), "lib");
    found.push_back(std::move(profile));
}

/// rdma-core: the library, its drivers and the libraries that some drivers are again must all be of
/// one build (the version node IBVERBS_PRIVATE_nn).
void describe_verbs(const Surveyor& survey, std::vector<Profile>& found) {
    const std::string main = survey.find("libibverbs.so.1");
    if (main.empty()) {
        return;
    }
    Profile profile = fabric("verbs");
    survey.add_libraries(profile, {"libibverbs.so.1", "librdmacm.so.1", "libmlx5.so.1",
                                   "libmlx4.so.1", "libefa.so.1", "libmana.so.1", "libhns.so.1"});
    std::vector<std::string> drivers;
    for (const std::string& word : survey.host().path_words(main)) {
        // /usr/lib/x86_64-linux-gnu/libibverbs/lib%s-rdmav34.so
        if (word.starts_with('/') && word.find("/lib%s-rdmav") != std::string::npos) {
            drivers.push_back(directory_of(word));
        }
    }
    drivers.push_back(directory_of(survey.host().resolve(main)) + "/libibverbs");
    survey.add_plugins(profile, drivers, "lib");
    survey.add_data(profile, words_ending(survey, main, "/etc/libibverbs.d"));
    survey.add_devices(profile, "/dev/infiniband", {"rdma_cm", "uverbs"});
    found.push_back(std::move(profile));
}

/// No fabric, but what MPIs find their peers by: Slurm starts PMIx for its tasks with the host's.
void describe_pmix(const Surveyor& survey, std::vector<Profile>& found) {
    const std::string main = survey.find("libpmix.so.2");
    if (main.empty()) {
        return;
    }
    Profile profile = fabric("pmix");
    survey.add_libraries(profile, {"libpmix.so.2"});
    const std::string real = survey.host().resolve(main);
    std::vector<std::string> modules = {directory_of(real) + "/pmix"};
    std::vector<std::string> data = {"/etc/pmix", "/etc/pmix-mca-params.conf", "/usr/share/pmix"};
    for (const std::string& word : survey.host().path_words(main)) {
        if (word.starts_with('/') && (word.ends_with("/lib") || word.ends_with("/lib64"))) {
            modules.push_back(word + "/pmix");
        }
        if (word.starts_with('/') && word.ends_with("/share")) {
            data.insert(data.end(), {word + "/pmix", word + "/pmix-mca-params.conf"});
        }
    }
    data.push_back(directory_of(directory_of(real)) + "/share/pmix");
    survey.add_plugins(profile, modules, "pmix_mca_");
    if (profile.plugins.empty()) {
        survey.add_plugins(profile, modules, "mca_");  // PMIx 4 and older
    }
    survey.add_data(profile, data);
    found.push_back(std::move(profile));
}

}  // namespace

std::vector<Profile> describe_fabrics(const Surveyor& survey) {
    std::vector<Profile> found;
    describe_ucx(survey, found);
    describe_libfabric(survey, found);
    describe_verbs(survey, found);
    describe_pmix(survey, found);
    std::erase_if(found, [](const Profile& profile) { return profile.libraries.empty(); });
    return found;
}

}  // namespace lading::app
