// SPDX-License-Identifier: BSD-3-Clause
// Every place where the image's programs would find a replaced library.
#include "compat/fake_site.hpp"

using namespace lading;

TEST_CASE("copies in RPATH prefixes, as spack makes them, are all covered") {
    FakeSite site;
    FakeSite::mpich(site.image);
    const std::string spack = "/opt/spack/mpich-4.1-abcdefg/lib";
    site.image.library(spack + "/libmpi.so.12.3.1").soname("libmpi.so.12").exports({"MPI_Init"});
    site.image.link(spack + "/libmpi.so.12", "libmpi.so.12.3.1");
    site.app("libmpi.so.12").rpath(spack);
    site.host_mpich();
    CHECK(site.verdict() == "OK");
    CHECK(site.targets("libmpich.so.12") ==
          std::vector<std::string>{spack + "/libmpi.so.12.3.1", kLibraries + "/libmpich.so.12"});
}

TEST_CASE("a copy in a RUNPATH is covered") {
    FakeSite site;
    site.image.library("/opt/app/lib/libmpich.so.12").exports({"MPI_Init"});
    site.app().runpath("/opt/app/lib");
    site.host_mpich();
    CHECK(site.covers("libmpich.so.12", "/opt/app/lib/libmpich.so.12"));
}

TEST_CASE("a copy for newer processors, which loaders prefer, is covered") {
    FakeSite site;
    FakeSite::mpich(site.image);
    const std::string better = kLibraries + "/glibc-hwcaps/x86-64-v3/libmpich.so.12";
    site.image.library(better).exports({"MPI_Init"});
    site.app();
    site.host_mpich();
    CHECK(site.covers("libmpich.so.12", better));
    CHECK(site.covers("libmpich.so.12", kLibraries + "/libmpich.so.12"));
}

TEST_CASE("a copy of another architecture is left alone") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("/usr/lib32/libmpich.so.12").architecture("386");
    site.app();
    site.host_mpich();
    CHECK_FALSE(site.covers("libmpich.so.12", "/usr/lib32/libmpich.so.12"));
}

TEST_CASE("of a library that belongs to nobody, the copies that the host's stack may meet count") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libxml2.so.2").exports({"xmlOld"});
    site.image.library("/opt/app/lib/libxml2.so.2").exports({"xmlOld"});
    site.image.library("/opt/conda/lib/libxml2.so.2").exports({"xmlOld"});
    FakeFile& app = site.app();
    site.host_mpich().needs("libxml2.so.2").imports({"xmlNew"});
    site.host.library("libxml2.so.2").exports({"xmlNew"});
    SECTION("RPATH is inherited by the host's library") {
        app.rpath("/opt/app/lib");
        CHECK(site.targets("libxml2.so.2") ==
              std::vector<std::string>{"/opt/app/lib/libxml2.so.2", kLibraries + "/libxml2.so.2"});
    }
    SECTION("RUNPATH is not") {
        app.runpath("/opt/app/lib");
        CHECK(site.targets("libxml2.so.2") ==
              std::vector<std::string>{kLibraries + "/libxml2.so.2"});
    }
    SECTION("but what the program needs itself is loaded first, and serves that library too") {
        app.runpath("/opt/app/lib").needs("libxml2.so.2");
        CHECK(site.targets("libxml2.so.2") ==
              std::vector<std::string>{"/opt/app/lib/libxml2.so.2", kLibraries + "/libxml2.so.2"});
    }
    SECTION("LD_LIBRARY_PATH holds for all") {
        site.question.image.library_path = {"/opt/app/lib"};
        CHECK(site.covers("libxml2.so.2", "/opt/app/lib/libxml2.so.2"));
        CHECK_FALSE(site.covers("libxml2.so.2", "/opt/conda/lib/libxml2.so.2"));
    }
}

TEST_CASE("every copy must serve for one to be kept") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libhwloc.so.15").exports({"hwloc_init"});
    site.image.library("/opt/app/lib/libhwloc.so.15").exports({"hwloc_old"});
    site.app().rpath("/opt/app/lib");
    site.host_mpich().needs("libhwloc.so.15").imports({"hwloc_init"});
    site.host.library("libhwloc.so.15").exports({"hwloc_init"});
    CHECK(site.kept().empty());
    CHECK(site.injected() == "libhwloc.so.15 libmpich.so.12");
}

TEST_CASE("a library that the image has for some of its programs alone comes from the host") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("/opt/app/lib/libhwloc.so.15").exports({"hwloc_init"});
    site.app().rpath("/opt/app/lib");
    site.image.program("/usr/bin/other").needs("libmpich.so.12");
    site.host_mpich().needs("libhwloc.so.15").imports({"hwloc_init"});
    site.host.library("libhwloc.so.15").exports({"hwloc_init"});
    CHECK(site.injected() == "libhwloc.so.15 libmpich.so.12");
    CHECK(site.covers("libhwloc.so.15", kLibraries + "/libhwloc.so.15"));
}
