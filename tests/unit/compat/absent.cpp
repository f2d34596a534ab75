// SPDX-License-Identifier: BSD-3-Clause
// A program whose library nobody has does not start, and the check says so.
#include "compat/fake_site.hpp"

using namespace lading;

namespace {

/// An MPI program that needs libsolver.so.3 as well.
struct Site : FakeSite {
    FakeFile& program;

    Site() : program((FakeSite::mpich(image), app().needs("libsolver.so.3"))) { host_mpich(); }

    bool told() {
        const auto& all = plan().findings;
        return std::any_of(all.begin(), all.end(),
                           [](const Finding& one) { return one.need == "library"; });
    }
};

}  // namespace

TEST_CASE("a library that neither side has is named, with who needs it, and refuses the start") {
    Site site;
    const Finding& finding = site.finding("library");
    CHECK(finding.wants == "libsolver.so.3");
    CHECK(finding.verdict == Verdict::missing);
    CHECK(finding.refuses);
    CHECK(finding.reason ==
          "/usr/bin/app needs libsolver.so.3, which neither the image nor a profile of this "
          "site's has");
    CHECK_FALSE(finding.remedy.empty());
}

TEST_CASE("a library that the image has elsewhere is named with its directory") {
    Site site;
    site.image.library("/opt/solver/libsolver.so.3");
    CHECK(contains(site.finding("library").reason, "the image has in /opt/solver alone"));
    CHECK(contains(site.finding("library").remedy, "set LD_LIBRARY_PATH to /opt/solver"));
}

TEST_CASE("a library that is found is not missed") {
    Site site;
    SECTION("where the system keeps its own") {
        site.image.library("libsolver.so.3");
    }
    SECTION("by LD_LIBRARY_PATH") {
        site.image.library("/opt/solver/libsolver.so.3");
        site.question.image.library_path = {"/opt/solver"};
    }
    SECTION("by a cache, for processors of which nothing is known") {
        site.image.cached("libsolver.so.3", "/opt/solver/libsolver.so.3", "haswell");
    }
    SECTION("below a directory that is searched, for such processors") {
        site.image.library(kLibraries + "/haswell/libsolver.so.3");
    }
    SECTION("maybe, in a directory of the host's that lies over the image") {
        site.program.runpath("/home/alice/lib");
        site.question.image.shown = {"/home"};
    }
    SECTION("maybe, in the working directory") {
        site.program.runpath("lib");
    }
    CHECK_FALSE(site.told());
}

TEST_CASE("what a library needed that the host's replaces is not missed") {
    FakeSite site;
    FakeSite::mpich(site.image).needs("libfabric-of-the-image.so.1");
    site.app();
    site.host_mpich();
    CHECK(site.verdict() == "OK");
    for (const Finding& finding : site.plan().findings) {
        CHECK(finding.need != "library");
    }
}

TEST_CASE("an MPI that nobody has is told once") {
    FakeSite site;
    site.app();
    CHECK(site.mpi().refuses);
    for (const Finding& finding : site.plan().findings) {
        CHECK(finding.need != "library");
    }
}

TEST_CASE("a library of the host's that needs what neither side has is not injected") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    site.host_mpich().needs("libnowhere.so.1");
    SECTION("the image has it neither") {
        CHECK(site.verdict() == "MISSING");
        CHECK(contains(site.mpi().reason, "libmpich.so.12 needs libnowhere.so.1, which neither"));
        CHECK(site.plan().files.empty());
    }
    SECTION("the image has it") {
        site.image.library("libnowhere.so.1");
        CHECK(site.verdict() == "OK");
    }
}
