// SPDX-License-Identifier: BSD-3-Clause
// What images of CUDA ask of the driver, and what they bring of one themselves.
#include "core/compat/nvidia_require.hpp"

#include "compat/fake_site.hpp"

using namespace lading;
using namespace lading::compat;

namespace {

const std::string kDriver = "535.104.05";  // CUDA 12.2

bool meets(const std::string& requirement, const std::string& driver = kDriver) {
    return !unmet_requirement({"NVIDIA_REQUIRE_CUDA=" + requirement}, driver);
}

/// A host with a driver and an image with a program for it.
struct CudaSite : FakeSite {
    explicit CudaSite(const std::string& driver = kDriver) {
        const std::string file = "libcuda.so." + driver;
        offers("nvidia.com/gpu=all", "cuda", {file}, StackKind::gpu);
        also_named(file, "libcuda.so.1");
        host.library(file)
            .soname("libcuda.so.1")
            .exports({"cuInit"})
            .needs("libc.so.6", "GLIBC_2.17");
        question.image.programs = {"/usr/bin/app"};
        image.program("/usr/bin/app")
            .needs("libcuda.so.1")
            .needs("libc.so.6", "GLIBC_2.17")
            .imports({"cuInit"});
    }
    void requires_cuda(const std::string& requirement) {
        question.image.environment.push_back("NVIDIA_REQUIRE_CUDA=" + requirement);
    }
    const Finding& gpu() { return finding("GPU"); }
};

}  // namespace

TEST_CASE("the driver's version is read off the versioned name of libcuda") {
    CHECK(driver_version("/usr/lib64/libcuda.so.535.104.05") == "535.104.05");
    CHECK(driver_version("libcuda.so.550.67") == "550.67");
    CHECK(driver_version("/usr/lib64/libcuda.so.1").empty());
    CHECK(driver_version("/usr/lib64/libcuda.so").empty());
    CHECK(driver_version("/usr/lib64/libcudart.so.12.2.140").empty());
    CHECK(driver_version("/usr/lib64/libcuda.so.535.x").empty());
    CHECK(driver_version("/usr/lib64/libcuda.so.99999999999.1").empty());
    CHECK(driver_version("").empty());
}

TEST_CASE("a driver has the newest CUDA that came with one as old as it") {
    CHECK(cuda_of_driver("535.104.05") == "12.2");
    CHECK(cuda_of_driver("535.54.03") == "12.2");
    CHECK(cuda_of_driver("535.54.02") == "12.1");
    CHECK(cuda_of_driver("565.57.01") == "12.6");  // there is no 12.7
    CHECK(cuda_of_driver("575.51.03") == "12.9");
    CHECK(cuda_of_driver("580.65.06") == "13.0");
    CHECK(cuda_of_driver("470.256.02") == "11.4");
    CHECK(cuda_of_driver("340.108").empty());
    CHECK(cuda_of_driver("").empty());
}

TEST_CASE("a condition on CUDA or on the driver is compared number by number") {
    CHECK(meets("cuda>=12.2"));
    CHECK(meets("cuda>=9.0"));
    CHECK_FALSE(meets("cuda>=12.9"));
    CHECK(meets("cuda>=12.10", "580.65.06"));
    CHECK(meets("driver>=535"));
    CHECK(meets("driver>=535.104.05"));
    CHECK_FALSE(meets("driver>=535.104.06"));
    CHECK_FALSE(meets("driver<535"));
    CHECK(meets("driver<536"));
    CHECK(meets("driver<=535.104.05"));
    CHECK(meets("driver!=470.57"));
    CHECK(meets("driver>470"));
    CHECK(meets("driver=535.104.05"));
    CHECK_FALSE(meets("driver=535"));
}

TEST_CASE("a space means OR, a comma AND") {
    CHECK(meets("cuda>=12.9 driver>=535"));
    CHECK_FALSE(meets("cuda>=12.9 driver>=545,driver<546"));
    CHECK(meets("cuda>=12.9 driver>=535,driver<536"));
    CHECK(meets("  cuda>=12.9   cuda>=12.0,,driver>=535  "));
}

TEST_CASE("what is unknown is passed over") {
    // As NVIDIA's own images have it.
    CHECK(meets("cuda>=12.9 brand=tesla,driver>=535,driver<536 brand=unknown,driver>=545"));
    CHECK_FALSE(meets("cuda>=12.9 brand=tesla,driver>=545,driver<546"));
    CHECK(meets("arch>=9.0"));
    CHECK_FALSE(meets("cuda>=12.9 brand=tesla"));  // says nothing of the driver
    CHECK(meets("brand=tesla"));
    CHECK(meets(""));
    CHECK(meets("cuda"));
    CHECK(meets("cuda>="));
    CHECK(meets("cuda=>12.9"));
    CHECK(meets("cuda>=twelve"));
    CHECK(meets("cuda>=12.9", "340.108"));  // nobody knows its CUDA
}

TEST_CASE("several variables must all be met, unless they are disabled") {
    const std::vector<std::string> environment{"NVIDIA_REQUIRE_CUDA=cuda>=12.0",
                                               "NVIDIA_REQUIRE_DRIVER=driver>=550"};
    CHECK(unmet_requirement(environment, "535.104.05") ==
          UnmetRequirement{"NVIDIA_REQUIRE_DRIVER", "driver>=550"});
    CHECK_FALSE(unmet_requirement(environment, "550.54.14"));
    for (const std::string value : {"1", "true"}) {
        auto disabled = environment;
        disabled.push_back("NVIDIA_DISABLE_REQUIRE=" + value);
        CHECK_FALSE(unmet_requirement(disabled, "535.104.05"));
    }
    for (const std::string value : {"", "0", "false"}) {
        auto still = environment;
        still.push_back("NVIDIA_DISABLE_REQUIRE=" + value);
        CHECK(unmet_requirement(still, "535.104.05"));
    }
}

TEST_CASE("an image that the driver is new enough for gets the driver") {
    CudaSite site;
    site.requires_cuda("cuda>=12.2");
    CHECK(name_of(site.gpu().verdict) == "OK");
    CHECK(site.injected() == "libcuda.so." + kDriver);
}

TEST_CASE("an image that asks for a newer CUDA than the driver has is refused, with the reason") {
    CudaSite site;
    site.requires_cuda("cuda>=12.9 brand=tesla,driver>=550,driver<551");
    CHECK(name_of(site.gpu().verdict) == "NO_ABI");
    CHECK(site.gpu().refuses);
    CHECK(site.gpu().reason ==
          "the image asks for cuda>=12.9 (NVIDIA_REQUIRE_CUDA), this host's driver 535.104.05 has "
          "CUDA 12.2");
    CHECK(contains(site.gpu().remedy, "NVIDIA_DISABLE_REQUIRE=1"));
    CHECK(site.plan().files.empty());
}

TEST_CASE("a program that uses no GPU starts in such an image, without the driver") {
    CudaSite site;
    site.image.program("/usr/bin/other").needs("libc.so.6", "GLIBC_2.17");
    site.question.image.programs = {"/usr/bin/other"};
    site.requires_cuda("cuda>=12.9");
    CHECK(refusal_of(site.plan()) == nullptr);
    CHECK(site.plan().files.empty());
}

TEST_CASE("a newer libcuda of the image's own is mentioned, and the host's takes its place") {
    CudaSite site;
    const std::string path = "/usr/local/cuda-12.9/compat/libcuda.so.575.51.03";
    site.image.library(path).soname("libcuda.so.1").exports({"cuInit"});
    CHECK(name_of(site.gpu().verdict) == "OK");
    CHECK(contains(site.gpu().reason, path));
    CHECK(contains(site.gpu().reason, "the host's driver 535.104.05 is, for CUDA up to 12.2"));
}

TEST_CASE("an older libcuda of the image's own is not worth a word") {
    CudaSite site;
    site.image.library("/usr/local/cuda/compat/libcuda.so.470.57.02").soname("libcuda.so.1");
    CHECK_FALSE(contains(site.gpu().reason, "compat"));
}
