// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>

#include "core/app/describe_stacks.hpp"

namespace lading::app {
namespace {

constexpr const char* kIcds = "/etc/OpenCL/vendors";
constexpr const char* kNvidiaIcd = "nvidia.icd";

Profile gpu(const char* name) {
    Profile profile;
    profile.name = profile.provides = name;
    profile.kind = StackKind::gpu;
    return profile;
}

/// All libraries of NVIDIA's driver carry its version as their files' names and work with no other.
void describe_cuda(const Surveyor& survey, std::vector<Profile>& found) {
    const HostFiles& host = survey.host();
    const std::string main = survey.find("libcuda.so.1");
    const std::string real = host.resolve(main);
    const std::size_t number = name_of(real).find(".so.");
    if (main.empty() || number == std::string::npos) {
        return;
    }
    const std::string version = name_of(real).substr(number);  // .so.550.67
    Profile profile = gpu("cuda");
    for (const std::string& name : host.list(directory_of(real))) {
        const bool nvidia = name.starts_with("libnvidia-") || name.starts_with("libcuda") ||
                            name.starts_with("libnv");
        const std::string file = directory_of(real) + '/' + name;
        const auto facts = nvidia && name.ends_with(version) ? host.library(file) : std::nullopt;
        if (facts) {
            // libnvidia-ml.so.1 stays when an update moves it; some have no other name.
            const std::string link = directory_of(real) + '/' + facts->soname;
            profile.libraries.push_back(
                survey.describe(host.resolve(link) == file ? link : file, {}));
        }
    }
    survey.add_data(profile, {std::string(kIcds) + '/' + kNvidiaIcd});
    survey.add_devices(profile, "/dev", {"nvidia"});
    if (host.exists("/usr/bin/nvidia-smi")) {
        profile.programs.push_back({"/usr/bin/nvidia-smi"});
    }
    found.push_back(std::move(profile));
}

constexpr std::string_view kRocm[] = {
    "libhsa-runtime64.so.", "libamdhip64.so.",   "libamd_comgr.so.", "libhiprtc.so.",
    "libamdocl64.so.",      "librocm_smi64.so.", "libamd_smi.so.",   "librocprofiler-register.so."};

/// `.so.6`, and not `.so.6.0.60002`.
bool has_one_number(const std::string& name) {
    return name.find('.', name.find(".so.") + 4) == std::string::npos;
}

void describe_rocm(const Surveyor& survey, std::vector<Profile>& found) {
    const HostFiles& host = survey.host();
    std::string directory = directory_of(survey.find("libhsa-runtime64.so.1"));
    if (directory.empty()) {
        directory = directory_of(host.resolve("/opt/rocm/lib/libhsa-runtime64.so.1"));
    }
    if (directory.empty()) {
        return;
    }
    Profile profile = gpu("rocm");
    for (const std::string& name : host.list(directory)) {
        const bool wanted = std::ranges::any_of(
            kRocm, [&](std::string_view stem) { return name.starts_with(stem); });
        if (wanted && has_one_number(name) && host.library(directory + '/' + name)) {
            profile.libraries.push_back(survey.describe(directory + '/' + name, {}));
        }
    }
    survey.add_data(profile, {"/opt/amdgpu/share/libdrm", "/usr/share/libdrm"});
    survey.add_devices(profile, "/dev", {"kfd"});
    survey.add_devices(profile, "/dev/dri", {"renderD"});
    if (!profile.libraries.empty()) {
        found.push_back(std::move(profile));
    }
}

/// PoCL links each kernel as it is compiled: with ld, and with what every C compiler links with.
constexpr std::string_view kLinkInputs[] = {"libc.so",    "libm.so", "libc_nonshared.a",
                                            "libmvec.so", "crti.o",  "crtn.o"};

void add_linker(const Surveyor& survey, const std::string& libraries, Profile& profile) {
    const HostFiles& host = survey.host();
    if (!host.exists("/usr/bin/ld")) {
        return;
    }
    profile.programs.push_back({"/usr/bin/ld"});
    std::vector<std::string> inputs;
    for (const std::string_view name : kLinkInputs) {
        inputs.push_back(fmt::format("{}/{}", libraries, name));
    }
    for (const std::string& triplet : host.list("/usr/lib/gcc")) {
        const std::string directory = "/usr/lib/gcc/" + triplet;
        const auto releases = host.list(directory);
        const auto newest = std::ranges::max_element(releases, {}, [](const std::string& name) {
            return std::pair(name.size(), name);  // 9 before 12
        });
        if (newest != releases.end() &&
            host.exists(fmt::format("{}/{}/libgcc.a", directory, *newest))) {
            inputs.push_back(fmt::format("{}/{}", directory, *newest));
        }
    }
    survey.add_data(profile, inputs);
}

/// Every vendor whose driver is registered; NVIDIA's comes with CUDA.  The loader, libOpenCL.so.1,
/// is the image's.
void describe_opencl(const Surveyor& survey, std::vector<Profile>& found) {
    const HostFiles& host = survey.host();
    Profile profile = gpu("opencl");
    for (const std::string& name : host.list(kIcds)) {
        if (!name.ends_with(".icd") || name == kNvidiaIcd) {
            continue;
        }
        const std::string icd = std::string(kIcds) + '/' + name;
        std::string library = host.text(icd);
        library.erase(std::min(library.find_first_of("\r\n"), library.size()));
        const std::string named = library.starts_with('/') ? library : survey.find(library);
        // An ICD may name the whole version, which the loader's cache does not have.
        std::string path = named;
        if (path.empty() && library.find('/') == std::string::npos && !library.empty()) {
            for (const auto& [soname, at] : survey.place().paths) {
                if (name_of(host.resolve(at)) == library) {
                    path = at;
                    break;
                }
            }
        }
        const auto facts = path.empty() ? std::nullopt : host.library(path);
        if (!facts) {
            continue;
        }
        std::vector<std::string> also;
        if (name_of(library) != facts->soname) {
            also.push_back(name_of(library));
        }
        profile.libraries.push_back(survey.describe(path, also));
        survey.add_data(profile, {icd});
        if (facts->soname.starts_with("libpocl.so.")) {
            survey.add_plugins(profile, {directory_of(host.resolve(path)) + "/pocl"}, "libpocl");
            survey.add_data(profile, {"/usr/share/pocl"});
            add_linker(survey, directory_of(host.resolve(path)), profile);
        }
    }
    if (!profile.libraries.empty()) {
        found.push_back(std::move(profile));
    }
}

}  // namespace

std::vector<Profile> describe_gpus(const Surveyor& survey) {
    std::vector<Profile> found;
    describe_cuda(survey, found);
    describe_rocm(survey, found);
    describe_opencl(survey, found);
    return found;
}

}  // namespace lading::app
