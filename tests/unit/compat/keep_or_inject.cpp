// SPDX-License-Identifier: BSD-3-Clause
// Which of the libraries that the host's stack needs come from the host.
#include "compat/fake_site.hpp"

using namespace lading;

TEST_CASE("a copy of the image's without any versions serves nobody who asks for one") {
    FakeSite site;
    FakeSite::mpich(site.image);
    FakeFile& copy = site.image.library("libdep.so.1").exports({"dep"});
    site.app();
    site.host_mpich().imports({"dep"}, "DEP_1", "libdep.so.1");
    site.host.library("libdep.so.1").exports({"dep"}, "DEP_1");
    SECTION("it has the table of versions, but defines none: ld.so warns") {
        CHECK(site.kept() == "libdep.so.1");
    }
    SECTION("it has no such table: an assertion of ld.so fails") {
        copy.without_versions();
        CHECK(site.injected() == "libdep.so.1 libmpich.so.12");
        CHECK(contains(site.file("libdep.so.1").reason, "needs DEP_1"));
    }
}

TEST_CASE("an image without MPI, GPU or label gets nothing") {
    FakeSite site;
    site.host_mpich();
    site.image.program("/usr/bin/app").needs("libc.so.6", "GLIBC_2.17");
    site.question.image.programs = {"/usr/bin/app"};
    CHECK(verdict_of(site.plan()) == Verdict::native);
    CHECK(site.plan().files.empty());
    CHECK(site.plan().profiles.empty());
}

TEST_CASE("the host's MPICH takes the place of the image's, and the image's hwloc is kept") {
    FakeSite site;
    FakeSite::mpich(site.image).needs("libhwloc.so.15");
    site.image.library("libhwloc.so.15").exports({"hwloc_topology_init"});
    site.app();
    site.host_mpich().needs("libhwloc.so.15").imports({"hwloc_topology_init"});
    site.host.library("libhwloc.so.15").exports({"hwloc_topology_init", "hwloc_newer"});
    CHECK(site.verdict() == "OK");
    CHECK_FALSE(site.mpi().refuses);
    CHECK(site.injected() == "libmpich.so.12");
    CHECK(site.kept() == "libhwloc.so.15");
    CHECK(site.plan().kept.front().path.value == kLibraries + "/libhwloc.so.15");
    CHECK(site.plan().kept.front().reason ==
          "the image's own has all that libmpich.so.12 asks of it");
    CHECK(site.plan().profiles == std::vector<std::string>{"mpich"});
    CHECK(site.plan().libc.version.empty());
    CHECK(site.mpi().wants == "MPICH (libmpich.so.12)");
    CHECK(site.mpi().offers == "mpich (" + kLibraries + "/libmpich.so.12)");
}

TEST_CASE("a library that the image lacks comes from the host, where every loader looks") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    site.host_mpich().needs("libslurm_pmi.so");
    site.host.library("libslurm_pmi.so").exports({"PMI_Init"});
    CHECK(site.verdict() == "OK");
    CHECK(site.injected() == "libmpich.so.12 libslurm_pmi.so");
    CHECK(site.targets("libslurm_pmi.so") ==
          std::vector<std::string>{kLibraries + "/libslurm_pmi.so"});
    CHECK(site.file("libslurm_pmi.so").reason == "libmpich.so.12 needs it, and the image has none");
}

TEST_CASE("a library of the image's that lacks a version is replaced by the host's") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libcrypto.so.3").exports({"RAND"}, "OPENSSL_3.0.0");
    site.app();
    site.host_mpich().needs("libcrypto.so.3", "OPENSSL_3.2.0");
    site.host.library("libcrypto.so.3")
        .exports({"RAND"}, "OPENSSL_3.0.0")
        .defines({"OPENSSL_3.2.0"});
    CHECK(site.verdict() == "OK");
    CHECK(site.injected() == "libcrypto.so.3 libmpich.so.12");
    CHECK(site.file("libcrypto.so.3").reason ==
          "libmpich.so.12 needs OPENSSL_3.2.0, which the image's libcrypto.so.3 lacks");
}

TEST_CASE("a library of the image's that lacks a symbol is replaced, and its needs looked at") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libhwloc.so.15").exports({"hwloc_init"});
    site.image.library("libudev.so.1").exports({"udev_new"});
    site.app();
    site.host_mpich().needs("libhwloc.so.15").imports({"hwloc_newer"});
    site.host.library("libhwloc.so.15")
        .exports({"hwloc_init", "hwloc_newer"})
        .needs("libudev.so.1")
        .imports({"udev_newer"});
    site.host.library("libudev.so.1").exports({"udev_new", "udev_newer"});
    CHECK(site.verdict() == "OK");
    CHECK(site.injected() == "libhwloc.so.15 libmpich.so.12 libudev.so.1");
    CHECK(site.file("libhwloc.so.15").reason ==
          "libmpich.so.12 needs hwloc_newer, which the image's libhwloc.so.15 lacks");
}

TEST_CASE("a weak import or version that the image lacks is no reason to replace its library") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libhwloc.so.15").exports({"hwloc_init"}).defines({"HW_1"});
    site.app();
    site.host_mpich().needs("libhwloc.so.15", "HW_2", true).imports_weakly({"hwloc_newer"});
    site.host.library("libhwloc.so.15").exports({"hwloc_init", "hwloc_newer"}).defines({"HW_1"});
    CHECK(site.injected() == "libmpich.so.12");
    CHECK(site.kept() == "libhwloc.so.15");
}

TEST_CASE("a library without version definitions serves those who ask for one") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libnuma.so.1").exports({"numa_node"});
    site.app();
    site.host_mpich().imports({"numa_node"}, "libnuma_1.1", "libnuma.so.1");
    site.host.library("libnuma.so.1").exports({"numa_node"}, "libnuma_1.1");
    CHECK(site.kept() == "libnuma.so.1");
}

TEST_CASE("libquadmath asks for a newer GLIBC than the image has: the image's own is kept") {
    FakeSite site(31, 36);
    FakeSite::mpich(site.image);
    site.image.library("libquadmath.so.0").exports({"sinq"}, "QUADMATH_1.0");
    site.app();
    site.host_mpich().imports({"sinq"}, "QUADMATH_1.0", "libquadmath.so.0");
    site.host.library("libquadmath.so.0")
        .exports({"sinq", "cosq"}, "QUADMATH_1.0")
        .needs("libc.so.6", "GLIBC_2.34");
    CHECK(site.verdict() == "OK");
    CHECK(site.kept() == "libquadmath.so.0");
    CHECK(site.plan().libc.version.empty());
}

TEST_CASE("UCX comes whole from the host, although the image's passes every check") {
    FakeSite site;
    FakeSite::mpich(site.image).needs("libucp.so.0");
    for (FakeRoot* const root : {&site.image, &site.host}) {
        root->library("libucp.so.0")
            .exports({"ucp_init"})
            .needs("libucs.so.0")
            .needs("libuct.so.0");
        root->library("libuct.so.0").exports({"uct_open"}).needs("libucs.so.0");
        root->library("libucs.so.0").exports({"ucs_log"}).needs("libucm.so.0");
        root->library("libucm.so.0").exports({"ucm_hook"});
        root->library(kLibraries + "/ucx/libuct_ib.so.0")
            .needs("libuct.so.0")
            .needs("libibverbs.so.1");
        root->library("libibverbs.so.1")
            .exports({"ibv_open"}, "IBVERBS_1.1")
            .needs("libnl-3.so.200");
        root->library("libnl-3.so.200").exports({"nl_open"}, "libnl_3");
    }
    site.app();
    Profile& mpich = site.offers("mpich", "mpich", {"libmpich.so.12"});
    FakeSite::mpich(site.host).needs("libucp.so.0").imports({"ucp_init"});
    mpich.with = {"ucx"};
    Profile& ucx = site.offers("ucx", "ucx", {"libucp.so.0"}, StackKind::fabric);
    ucx.plugins = {{{kLibraries + "/ucx"}, {kLibraries + "/ucx"}, true}};
    site.with_module(kLibraries + "/ucx/libuct_ib.so.0");
    CHECK(site.verdict() == "OK");
    CHECK(site.injected() ==
          "libibverbs.so.1 libmpich.so.12 libnl-3.so.200 libucm.so.0 libucp.so.0 libucs.so.0 "
          "libuct.so.0");
    CHECK(site.plan().kept.empty());
    CHECK(site.plan().profiles == std::vector<std::string>{"mpich", "ucx"});
    REQUIRE(site.plan().mounts.size() == 1);
    CHECK(site.plan().mounts.front().target.value == kLibraries + "/ucx");
    CHECK(site.mpi().speed == "host fabric in use (ucx, verbs)");
}

TEST_CASE("what a companion brings is used with the stack that names it") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    FakeSite::mpich(site.host);
    Profile& cray = site.offers("cray", "mpich", {"libmpich.so.12"});
    cray.with = {"cxi"};
    cray.environment = {{"FROM", "cray"}};
    cray.data = {{{"/opt/cray"}, {"/opt/cray"}, false}};
    cray.programs = {{"/usr/bin/cray-info"}};
    Profile& cxi = site.offers("cxi", "cxi", {"libcxi.so.1"}, StackKind::fabric);
    cxi.with = {"cray"};  // each other
    cxi.environment = {{"FROM", "cxi"}, {"CXI", "1"}};
    site.host.library("libcxi.so.1");
    CHECK(site.plan().profiles == std::vector<std::string>{"cray", "cxi"});
    CHECK(site.injected() == "libcxi.so.1 libmpich.so.12");
    CHECK(site.plan().environment ==
          std::map<std::string, std::string>{{"FROM", "cray"}, {"CXI", "1"}});
    REQUIRE(site.plan().mounts.size() == 2);
    CHECK(site.plan().mounts[0].target.value == "/opt/cray");
    CHECK_FALSE(site.plan().mounts[0].required);
    CHECK(site.plan().mounts[1].target.value == "/usr/bin/cray-info");
}

TEST_CASE("what a plugin directory shows already is not bound once more") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    Profile& mpich = site.offers("mpich", "mpich", {"/opt/mpich/lib/libmpich.so.12"});
    mpich.plugins = {{{kLibraries}, {kLibraries}, true}};
    site.host.library("/opt/mpich/lib/libmpich.so.12").exports({"MPI_Init"});
    CHECK(site.verdict() == "OK");
    CHECK(site.plan().files.empty());
    CHECK(site.plan().mounts.size() == 1);
}

TEST_CASE("of two stacks of one flavour the site's first is taken, unless another fits better") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    FakeFile& app = site.app();
    site.offers("cray", "mpich", {"/opt/cray/lib/libmpich.so.12"});
    site.offers("plain", "mpich", {"libmpich.so.12"});
    site.host.library("/opt/cray/lib/libmpich.so.12").exports({"MPI_Init"});
    FakeSite::mpich(site.host).exports({"MPI_Comm_c2f"});
    SECTION("both fit") {
        CHECK(site.plan().profiles == std::vector<std::string>{"cray"});
        CHECK(site.file("libmpich.so.12").source.value == "/opt/cray/lib/libmpich.so.12");
    }
    SECTION("the first lacks a symbol") {
        app.imports({"MPI_Comm_c2f"});
        CHECK(site.verdict() == "OK");
        CHECK(site.plan().profiles == std::vector<std::string>{"plain"});
        CHECK(site.mpi().offers == "plain (" + kLibraries + "/libmpich.so.12)");
    }
}

TEST_CASE("the plan is the same each time") {
    const auto plan = [] {
        FakeSite site(31, 36);
        FakeSite::mpich(site.image);
        site.app();
        site.host_mpich().needs("libc.so.6", "GLIBC_2.34");
        return format_injection(site.plan());
    };
    CHECK(plan() == plan());
}
