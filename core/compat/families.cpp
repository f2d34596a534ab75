// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/families.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace lading::compat {
namespace {

/// Every library with GLIBC_PRIVATE among its needs or definitions (glibc 2.17 to 2.43).  Not
/// libcrypt: it is a project of its own since 2.28, and has none.
constexpr std::string_view kGlibc[] = {
    "libc",         "libm",        "libmvec",           "libpthread",    "libdl",
    "librt",        "libutil",     "libresolv",         "libanl",        "libBrokenLocale",
    "libthread_db", "libnss_dns",  "libnss_files",      "libnss_compat", "libnss_hesiod",
    "libnss_db",    "libmemusage", "libc_malloc_debug", "libpcprofile",  "libnsl",
};

struct Member {
    std::string_view stem;
    std::string_view family;
};

/// A trailing `*` stands for any rest.
constexpr Member kMembers[] = {
    {"libucp", "ucx"},
    {"libuct", "ucx"},
    {"libucs", "ucx"},
    {"libucm", "ucx"},
    {"libucs_signal", "ucx"},
    {"libibverbs", "verbs"},
    {"librdmacm", "verbs"},
    {"libmlx4", "verbs"},
    {"libmlx5", "verbs"},
    {"libefa", "verbs"},
    {"libmana", "verbs"},
    {"libibumad", "verbs"},
    {"libibmad", "verbs"},
    {"libnl-3", "verbs"},
    {"libnl-route-3", "verbs"},
    {"libfabric", "libfabric"},
    {"libpsm2", "libfabric"},
    {"libpsm_infinipath", "libfabric"},
    {"libinfinipath", "libfabric"},
    {"libcxi", "libfabric"},
    {"libpmix", "pmix"},
    {"libopen-rte", "openmpi"},
    {"libopen-pal", "openmpi"},
    {"libprrte", "openmpi"},
    {"libmca_common_*", "openmpi"},
    {"libopen_mpi", "openmpi"},
    {"libmpl", "mpich"},
    {"libopa", "mpich"},
    {"libyaksa", "mpich"},
};

constexpr std::string_view kMpiStems[] = {
    "libmpi",      "libmpich",      "libmpi_abi",     "libmpicxx",
    "libmpichcxx", "libmpifort",    "libmpichfort",   "libfmpich",
    "libmpi_cxx",  "libmpi_mpifh*", "libmpi_usempi*", "libmpi_usempif08*",
    "libmpi_f77",  "libmpi_f90",    "liboshmem",      "libmpi_abi_fort",
};

struct Gpu {
    std::string_view stem;
    std::string_view provides;
};
constexpr Gpu kGpus[] = {
    {"libcuda", "cuda"},
    {"libcudart", "cuda"},
    {"libnvidia-ml", "cuda"},
    {"libOpenCL", "opencl"},
    {"libhsa-runtime64", "rocm"},
    {"libamdhip64", "rocm"},
    {"libze_loader", "level-zero"},
};

struct Title {
    std::string_view provides;
    std::string_view title;
};
constexpr Title kTitles[] = {
    {"mpich", "MPICH"},
    {"openmpi", "Open MPI"},
    {"mpi-abi", "the standard MPI ABI"},
    {"cuda", "CUDA"},
    {"rocm", "ROCm"},
    {"opencl", "OpenCL"},
    {"level-zero", "Level Zero"},
};

bool matches(std::string_view pattern, std::string_view name) {
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : pattern == name;
}

}  // namespace

SonameParts split_soname(std::string_view soname) {
    constexpr std::string_view kMark = ".so.";
    const std::size_t mark = soname.find(kMark);
    if (mark == std::string_view::npos) {
        return {soname.substr(0, soname.find(".so")), {}};
    }
    return {soname.substr(0, mark), soname.substr(mark + kMark.size())};
}

bool is_glibc(std::string_view soname) {
    if (soname.starts_with("ld-linux") || soname.starts_with("ld64.so") ||
        soname.starts_with("ld.so")) {
        return true;
    }
    const SonameParts parts = split_soname(soname);
    return !parts.version.empty() && std::ranges::find(kGlibc, parts.stem) != std::end(kGlibc) &&
           !(parts.stem == "libnsl" && parts.version != "1");  // .so.2 is another project's
}

std::string_view stack_family(std::string_view soname) {
    const std::string_view stem = split_soname(soname).stem;
    const auto found = std::ranges::find_if(
        kMembers, [&](const Member& member) { return matches(member.stem, stem); });
    return found == std::end(kMembers) ? std::string_view{} : found->family;
}

bool is_mpi_soname(std::string_view soname) {
    const SonameParts parts = split_soname(soname);
    return !parts.version.empty() && std::ranges::any_of(kMpiStems, [&](std::string_view stem) {
        return matches(stem, parts.stem);
    });
}

std::string_view mpi_flavour_of_name(std::string_view soname) {
    if (!is_mpi_soname(soname)) {
        return {};
    }
    const auto [stem, version] = split_soname(soname);
    if (stem.starts_with("libmpi_abi")) {
        return "mpi-abi";
    }
    if (stem.starts_with("libmpich") || stem == "libfmpich" || stem == "libmpicxx" ||
        stem == "libmpifort") {
        return "mpich";
    }
    if (stem != "libmpi") {
        return "openmpi";
    }
    return version.starts_with("12") ? std::string_view{} : "openmpi";
}

std::string_view gpu_of_soname(std::string_view soname) {
    const SonameParts parts = split_soname(soname);
    const auto found = std::ranges::find(kGpus, parts.stem, &Gpu::stem);
    return found == std::end(kGpus) ? std::string_view{} : found->provides;
}

std::string glibc_version(const std::vector<std::string_view>& definitions) {
    constexpr std::string_view kPrefix = "GLIBC_2.";
    int highest = -1;
    for (const std::string_view name : definitions) {
        int minor = 0;
        const char* const end = name.data() + name.size();
        if (name.starts_with(kPrefix) &&
            std::from_chars(name.data() + kPrefix.size(), end, minor).ec == std::errc{}) {
            highest = std::max(highest, minor);
        }
    }
    return highest < 0 ? "" : "2." + std::to_string(highest);
}

std::string_view title_of(std::string_view provides) {
    const auto found = std::ranges::find(kTitles, provides, &Title::provides);
    return found == std::end(kTitles) ? provides : found->title;
}

}  // namespace lading::compat
