// SPDX-License-Identifier: BSD-3-Clause
// When the host's glibc must come along, and when it cannot.
#include "compat/fake_site.hpp"

using namespace lading;

namespace {

/// An image with glibc 2.31, a host whose MPICH needs 2.34 of its own 2.36.
struct OlderImage : FakeSite {
    OlderImage() : FakeSite(31, 36) {
        mpich(image);
        host_mpich().needs("libc.so.6", "GLIBC_2.34");
    }
};

}  // namespace

TEST_CASE("the host's MPI needs a newer glibc than the image has: the host's whole family comes") {
    OlderImage site;
    site.app();
    site.image.cached("libc.so.6", kLibraries + "/libc.so.6");
    site.image.cached("libm.so.6", kLibraries + "/libm.so.6");
    site.image.cached("libz.so.1", kLibraries + "/libz.so.1");
    site.image.cached("libgone.so.1", kLibraries + "/libgone.so.1");
    site.image.library("libz.so.1");
    CHECK(site.verdict() == "OK_GLIBC");
    CHECK_FALSE(site.mpi().refuses);
    CHECK(site.mpi().reason ==
          "the host's libmpich.so.12 needs GLIBC_2.34, the image's glibc is 2.31: using the "
          "host's 2.36");
    const InjectedLibc& libc = site.plan().libc;
    CHECK(libc.version == "2.36");
    CHECK(libc.loader.value == kLibraries + "/ld-linux-x86-64.so.2");
    CHECK(libc.loaders == std::vector<GuestPath>{{kLibraries + "/ld-linux-x86-64.so.2"}});
    const std::string farm = kLibraries + "/glibc-hwcaps/x86-64-v2";
    for (const std::string name : {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}) {
        CHECK(site.file(name).source.value == kLibraries + "/" + name);
        CHECK(site.covers(name, farm + "/" + name));
        CHECK(libc.libraries.at(name) == farm + "/" + name);
    }
    CHECK(libc.libraries.at("libz.so.1") == kLibraries + "/libz.so.1");
    CHECK_FALSE(libc.libraries.contains("libgone.so.1"));
    CHECK(libc.libraries.at("libmpich.so.12") == kLibraries + "/libmpich.so.12");
    CHECK(site.plan().environment.empty());
    CHECK(site.finding("libc").verdict == Verdict::ok_glibc);
    CHECK(site.finding("libc").wants == "glibc 2.31");
    CHECK(site.finding("libc").offers == "glibc 2.36");
}

TEST_CASE("the image's static programs keep their loader, and their glibc stays where it is") {
    OlderImage site;
    site.app();
    site.image.program("/usr/bin/static").is_static();
    site.image.program("/usr/bin/foreign").loader("/opt/conda/lib/ld-linux-x86-64.so.2");
    site.image.library("/opt/conda/lib/ld-linux-x86-64.so.2");
    CHECK(site.verdict() == "OK_GLIBC");
    CHECK(site.plan().libc.loaders ==
          std::vector<GuestPath>{{kLibraries + "/ld-linux-x86-64.so.2"}});
    for (const auto& file : site.plan().files) {
        for (const auto& target : file.targets) {
            CHECK(target.value != kLibraries + "/libc.so.6");
        }
    }
}

TEST_CASE("LD_LIBRARY_PATH is prefixed only where it is set, and only for the host's glibc") {
    SECTION("set, with the host's glibc") {
        OlderImage site;
        site.app();
        site.question.host.isa_level = 1;
        site.question.image.library_path = {"/opt/app/lib", "/opt/more"};
        site.plan();
        CHECK(site.plan().environment.at("LD_LIBRARY_PATH") ==
              "/run/lading/lib:/opt/app/lib:/opt/more");
    }
    SECTION("set, where the loader looks at the processor's level first") {
        OlderImage site;
        site.app();
        site.question.image.library_path = {"/opt/app/lib"};
        CHECK(site.plan().environment.empty());
    }
    SECTION("set, with the image's glibc") {
        FakeSite site;
        FakeSite::mpich(site.image);
        site.host_mpich();
        site.app();
        site.question.image.library_path = {"/opt/app/lib"};
        CHECK(site.verdict() == "OK");
        CHECK(site.plan().environment.empty());
    }
}

TEST_CASE("a program that needs more than the host's glibc has cannot be given it") {
    FakeSite site(35, 36);
    FakeSite::mpich(site.image);
    site.host_mpich().needs("libc.so.6", "GLIBC_2.36");
    site.app().needs("libc.so.6", "GLIBC_2.38");
    CHECK(site.verdict() == "NO_GLIBC");
    CHECK(site.mpi().reason ==
          "the host's libmpich.so.12 needs GLIBC_2.36, the image's glibc is 2.35; and /usr/bin/app "
          "needs GLIBC_2.38 of libc.so.6, the host's glibc 2.36 has none");
    CHECK_FALSE(site.mpi().remedy.empty());
    CHECK(site.plan().files.empty());
    CHECK(site.plan().libc.version.empty());
    CHECK_FALSE(
        site.mpi().refuses);  // the image's own MPI is there, and nobody demanded the host's
}

TEST_CASE("a glibc of the host's that is older than what the image's program needs is refused") {
    // The image is newer but for one private version that its glibc no longer has.
    FakeSite site(41, 36);
    FakeSite::mpich(site.image);
    site.host_mpich().needs("libc.so.6", "GLIBC_ABI_GONE");
    site.app().needs("libm.so.6", "GLIBC_2.38");
    CHECK(site.verdict() == "NO_GLIBC");
    CHECK(contains(site.mpi().reason, "needs GLIBC_2.38 of libm.so.6"));
}

TEST_CASE("the host's glibc is used although other programs of the image would not work with it") {
    FakeSite site(35, 36);
    FakeSite::mpich(site.image);
    site.host_mpich().needs("libc.so.6", "GLIBC_2.36");
    site.app();
    site.image.program("/usr/bin/newer").needs("libc.so.6", "GLIBC_2.38");
    CHECK(site.verdict() == "OK_GLIBC");
    CHECK(site.mpi().note == "these of the image's files will not work: /usr/bin/newer");
    CHECK(site.plan().libc.version == "2.36");
}

TEST_CASE("versions of glibc are a set: a tag that the image lacks counts like any number") {
    FakeSite site(36, 36);
    FakeSite::mpich(site.image);
    site.host_mpich().needs("libc.so.6", "GLIBC_ABI_DT_RELR");
    site.app();
    CHECK(site.verdict() == "OK_GLIBC");
    CHECK(contains(site.mpi().reason, "needs GLIBC_ABI_DT_RELR"));
}

TEST_CASE("a weak need of glibc's is none") {
    FakeSite site(31, 36);
    FakeSite::mpich(site.image);
    site.host_mpich().needs("libc.so.6", "GLIBC_ABI_DT_RELR", true);
    site.app();
    CHECK(site.verdict() == "OK");
}

TEST_CASE("the newest of the versions that are missing is named") {
    FakeSite site(17, 36);
    FakeSite::mpich(site.image);
    site.host_mpich()
        .needs("libc.so.6", "GLIBC_2.34")
        .needs("libc.so.6", "GLIBC_2.28")
        .needs("libm.so.6", "GLIBC_2.29");
    site.app();
    CHECK(contains(site.mpi().reason, "needs GLIBC_2.34"));
}

TEST_CASE("a label with another glibc than the image's is contradicted") {
    FakeSite site(31, 36);
    site.question.image.labels = {{"org.supercontainers.glibc", "2.28"}};
    CHECK(site.finding("libc").reason ==
          "the label org.supercontainers.glibc says 2.28, the image's libc says glibc 2.31");
    FakeSite right(31, 36);
    right.question.image.labels = {{"org.supercontainers.glibc", "2.31"}};
    CHECK(right.finding("libc").reason.empty());
}

TEST_CASE("a musl image is given nothing: NO_LIBC") {
    FakeSite site(0, 36);
    FakeSite::mpich(site.image);
    site.image.library("/lib/ld-musl-x86_64.so.1").soname("");
    site.app().loader("/lib/ld-musl-x86_64.so.1");
    site.host_mpich();
    CHECK(site.verdict() == "NO_LIBC");
    CHECK(site.mpi().reason ==
          "the image's libc is musl, this host's libraries are made for glibc");
    CHECK(site.plan().files.empty());
    CHECK(site.finding("libc").wants == "musl");
}

TEST_CASE("a static program is given nothing: NO_LIBC") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app().is_static();
    site.host_mpich();
    CHECK(site.verdict() == "NO_LIBC");
    CHECK(site.mpi().reason == "/usr/bin/app is linked statically: no library can be given to it");
    CHECK(site.plan().files.empty());
}

TEST_CASE("a program whose loader has a glibc of its own does not get the host's: NO_LIBC") {
    OlderImage site;
    site.image.library("/nix/store/x-glibc/lib/ld-linux-x86-64.so.2");
    site.app().loader("/nix/store/x-glibc/lib/ld-linux-x86-64.so.2");
    CHECK(site.verdict() == "NO_LIBC");
    CHECK(site.mpi().reason ==
          "the program's loader is /nix/store/x-glibc/lib/ld-linux-x86-64.so.2, which has a glibc "
          "of its own");
    CHECK(site.plan().files.empty());
}

TEST_CASE("a foreign loader reaches what it finds by the program's RPATH, and nothing else") {
    FakeSite site;
    const std::string store = "/nix/store/y-mpich/lib";
    site.image.library("/nix/store/x-glibc/lib/ld-linux-x86-64.so.2");
    site.image.library(store + "/libmpich.so.12").exports({"MPI_Init"});
    site.app().loader("/nix/store/x-glibc/lib/ld-linux-x86-64.so.2").rpath(store);
    FakeFile& host = site.host_mpich();
    SECTION("its own copy is covered") {
        CHECK(site.verdict() == "OK");
        CHECK(site.covers("libmpich.so.12", store + "/libmpich.so.12"));
    }
    SECTION("a further library would not be found") {
        host.needs("libpmi.so.0");
        site.host.library("libpmi.so.0");
        CHECK(site.verdict() == "NO_LIBC");
        CHECK(site.mpi().reason ==
              "the program's loader is /nix/store/x-glibc/lib/ld-linux-x86-64.so.2, which would "
              "not find libpmi.so.0");
    }
}
