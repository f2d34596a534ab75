// SPDX-License-Identifier: BSD-3-Clause
// Does everything that used a replaced library still resolve?
#include "compat/fake_site.hpp"

using namespace lading;

TEST_CASE("a symbol that another library of the program's has as well is not missed") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Session_init"});
    site.image.library("libshim.so.1").exports({"MPI_Session_init"});
    site.app().needs("libshim.so.1").imports({"MPI_Session_init"});
    site.host_mpich();
    CHECK(site.verdict() == "OK");
}

TEST_CASE("a program that imports what the host's MPI lacks: NO_SYMBOL, with the symbol") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.app().imports({"MPI_Comm_c2f"});
    site.host_mpich();
    CHECK(site.verdict() == "NO_SYMBOL");
    CHECK(site.mpi().reason == "/usr/bin/app needs the symbol MPI_Comm_c2f, which the host's " +
                                   kLibraries + "/libmpich.so.12 lacks");
    CHECK_FALSE(site.mpi().remedy.empty());
    CHECK(site.plan().files.empty());
    CHECK(contains(site.mpi().speed, "the image's own MPI is used"));
}

TEST_CASE(
    "another program that imports what the host's MPI lacks: a note, and no verdict of this one") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.app();
    site.image.program("/usr/bin/other").needs("libmpich.so.12").imports({"MPI_Comm_c2f"});
    site.host_mpich();
    CHECK(site.verdict() == "OK");
    CHECK(site.mpi().reason.empty());
    CHECK(site.mpi().note == "these of the image's files will not work: /usr/bin/other");
    CHECK(site.injected() == "libmpich.so.12");
}

TEST_CASE("a script may run any program: one that will not work is the verdict, DEGRADED") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.app();
    site.image.program("/usr/bin/other").needs("libmpich.so.12").imports({"MPI_Comm_c2f"});
    site.image.program("/usr/bin/bash").needs("libc.so.6", "GLIBC_2.17");
    site.image.script("/opt/run.sh", "/usr/bin/bash");
    site.question.image.programs = {"/opt/run.sh"};
    site.host_mpich();
    CHECK(site.verdict() == "DEGRADED");
    CHECK_FALSE(site.mpi().refuses);
    CHECK(site.mpi().reason == "these of the image's files will not work: /usr/bin/other");
}

TEST_CASE("of many that would not work a few are named and the others counted") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.app();
    for (const std::string name : {"a", "b", "c", "d", "e"}) {
        site.image.program("/opt/" + name).needs("libmpich.so.12").imports({"MPI_Comm_c2f"});
    }
    site.host_mpich();
    CHECK(site.mpi().note ==
          "these of the image's files will not work: /opt/a, /opt/b, /opt/c and 2 more");
}

TEST_CASE("without a program in view an image is judged by all of its users together") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.image.program("/opt/a").needs("libmpich.so.12").imports({"MPI_Comm_c2f"});
    FakeFile& other = site.image.program("/opt/b").needs("libmpich.so.12").imports({"MPI_Init"});
    site.host_mpich();
    SECTION("some work") {
        CHECK(site.verdict() == "DEGRADED");
    }
    SECTION("none works") {
        other.imports({"MPI_Comm_c2f"});
        CHECK(site.verdict() == "NO_SYMBOL");
    }
}

TEST_CASE("a library that the program loads counts like the program") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.image.library("libsolver.so.3").needs("libmpich.so.12").imports({"MPI_Comm_c2f"});
    site.app().needs("libsolver.so.3");
    site.host_mpich();
    CHECK(site.verdict() == "NO_SYMBOL");
    CHECK(contains(site.mpi().reason, kLibraries + "/libsolver.so.3 needs the symbol"));
}

TEST_CASE("a symbol that another library of the host's stack has is found there") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.app().imports({"MPI_Comm_c2f"});
    site.host_mpich().needs("libpmpi.so.12");
    site.host.library("libpmpi.so.12").exports({"MPI_Comm_c2f"});
    CHECK(site.verdict() == "OK");
}

TEST_CASE("an import that may stay unresolved breaks nothing") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPIX_Query_cuda_support"});
    site.app().imports_weakly({"MPIX_Query_cuda_support"});
    site.host_mpich();
    CHECK(site.verdict() == "OK");
}

TEST_CASE("a version of the MPI library's that the host's lacks: NO_SYMBOL") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Extra"}, "MPI_4");
    site.app().imports({"MPI_Extra"}, "MPI_4", "libmpich.so.12");
    site.host_mpich().defines({"MPI_3"});
    CHECK(site.verdict() == "NO_SYMBOL");
    CHECK(contains(site.mpi().reason, "needs MPI_4 of libmpich.so.12"));
}

TEST_CASE("a library of the host's without any versions ends those who ask it for one") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Extra"}, "MPI_4");
    site.app().imports({"MPI_Extra"}, "MPI_4", "libmpich.so.12");
    FakeFile& mpich = site.host_mpich().exports({"MPI_Extra"});
    SECTION("it has the table of versions, but defines none: ld.so warns") {
        CHECK(site.verdict() == "OK");
    }
    SECTION("it has no such table: an assertion of ld.so fails") {
        mpich.without_versions();
        CHECK(site.verdict() == "NO_SYMBOL");
        CHECK(contains(site.mpi().reason, "needs MPI_4 of libmpich.so.12"));
    }
}

TEST_CASE("a library that both sides need a copy of their own of: CONFLICT") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libxml2.so.2").exports({"xmlOld"});
    site.app().needs("libxml2.so.2").imports({"xmlOld"});
    site.host_mpich().needs("libxml2.so.2").imports({"xmlNew"});
    site.host.library("libxml2.so.2").exports({"xmlNew"});
    CHECK(site.verdict() == "CONFLICT");
    CHECK(site.mpi().reason == "/usr/bin/app needs the symbol xmlOld, which the host's " +
                                   kLibraries + "/libxml2.so.2 lacks");
    CHECK(site.plan().files.empty());
}

TEST_CASE("a copy that stays, in a directory of the user's own, goes on serving it") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libxml2.so.2").exports({"xmlOld"});
    site.image.library("/opt/app/lib/libxml2.so.2").exports({"xmlOld"});
    site.image.program("/opt/app/bin/viewer")
        .needs("libxml2.so.2")
        .imports({"xmlOld"})
        .runpath("$ORIGIN/../lib");
    site.app();
    site.host_mpich().needs("libxml2.so.2").imports({"xmlNew"});
    site.host.library("libxml2.so.2").exports({"xmlNew"});
    CHECK(site.verdict() == "OK");
    CHECK(site.targets("libxml2.so.2") == std::vector<std::string>{kLibraries + "/libxml2.so.2"});
}

TEST_CASE("data that a program has copied must not be larger in the host's library") {
    FakeSite site;
    FakeSite::openmpi(site.image);
    site.app("libmpi.so.40").copies("ompi_mpi_comm_world", 512);
    site.offers("openmpi", "openmpi", {"libmpi.so.40"});
    FakeFile& host = site.host.library("libmpi.so.40").exports({"MPI_Init", "MPI_Send"});
    SECTION("as large: nothing to say") {
        host.holds("ompi_mpi_comm_world", 512);
        CHECK(site.verdict() == "OK");
    }
    SECTION("smaller: it only reads what is there, as the loader has it") {
        host.holds("ompi_mpi_comm_world", 256);
        CHECK(site.verdict() == "OK");
    }
    SECTION("larger: it would write beyond it") {
        host.holds("ompi_mpi_comm_world", 1024);
        CHECK(site.verdict() == "NO_SYMBOL");
        CHECK(site.mpi().reason ==
              "/usr/bin/app holds a copy of ompi_mpi_comm_world of 512 bytes, the host's has 1024");
    }
    SECTION("not there at all: the loader would end the program") {
        CHECK(site.verdict() == "NO_SYMBOL");
        CHECK(contains(site.mpi().reason, "needs the symbol ompi_mpi_comm_world"));
    }
}

TEST_CASE("copied data of a library that both sides need: CONFLICT") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libxml2.so.2").holds("xmlState", 8);
    site.app().needs("libxml2.so.2").copies("xmlState", 8);
    site.host_mpich().needs("libxml2.so.2").imports({"xmlNew"});
    site.host.library("libxml2.so.2").exports({"xmlNew"}).holds("xmlState", 16);
    CHECK(site.verdict() == "CONFLICT");
    CHECK(site.mpi().reason ==
          "/usr/bin/app holds a copy of xmlState of 8 bytes, the host's has 16");
}

TEST_CASE("a program whose MPI the image does not have is checked against the host's") {
    FakeSite site;
    FakeFile& app = site.app();
    site.host_mpich();
    SECTION("and runs with it") {
        CHECK(site.verdict() == "OK");
        CHECK(site.targets("libmpich.so.12").size() == 2);  // by both of its names
    }
    SECTION("or is refused, since nothing else would serve it") {
        app.imports({"MPI_Comm_c2f"});
        CHECK(site.verdict() == "NO_SYMBOL");
        CHECK(site.mpi().refuses);
    }
}

TEST_CASE("what only the image's own MPI needed is not loaded any more, and decides nothing") {
    FakeSite site;
    FakeSite::mpich(site.image).needs("libprobe.so.1");
    site.image.library("libprobe.so.1").needs("libxml2.so.2").imports({"xmlOld"});
    site.image.library("libxml2.so.2").exports({"xmlOld"});
    FakeFile& app = site.app();
    site.host_mpich().needs("libxml2.so.2").imports({"xmlNew"});
    site.host.library("libxml2.so.2").exports({"xmlNew"});
    SECTION("by the MPI alone") {
        CHECK(site.verdict() == "OK");
        CHECK(contains(site.mpi().note, "libprobe.so.1"));
    }
    SECTION("by the program as well") {
        app.needs("libprobe.so.1");
        CHECK(site.verdict() == "CONFLICT");
    }
}

TEST_CASE("a binding that the host's MPI does not have fails when it is called, not before") {
    FakeSite site;
    FakeSite::openmpi(site.image).exports({"ompi_inner"});
    site.image.library("liboshmem.so.40").needs("libmpi.so.40").imports({"ompi_inner"});
    FakeFile& app = site.app("libmpi.so.40").needs("liboshmem.so.40");
    site.offers("openmpi", "openmpi", {"libmpi.so.40"});
    FakeSite::openmpi(site.host);
    SECTION("the MPI alone") {
        CHECK(site.verdict() == "DEGRADED");
    }
    SECTION("a GPU driver beside it does not have to yield to that") {
        app.needs("libcuda.so.1");
        site.offers("cuda", "cuda", {"libcuda.so.1"}, StackKind::gpu);
        site.host.library("libcuda.so.1").exports({"cuInit"});
        CHECK(site.verdict() == "DEGRADED");
        CHECK(site.finding("GPU").verdict == Verdict::ok);
    }
}

TEST_CASE("a script is run for the modules of its interpreter: theirs are its needs") {
    FakeSite site;
    FakeSite::mpich(site.image).exports({"MPI_Comm_c2f"});
    site.image.program("/usr/bin/python3.11").needs("libc.so.6", "GLIBC_2.17");
    site.image.script("/opt/app.py", "/usr/bin/python3.11");
    site.question.image.programs = {"/opt/app.py"};
    site.host_mpich();
    SECTION("a module of python's") {
        site.image.library("/usr/lib/python3/dist-packages/mpi4py/MPI.so")
            .needs("libmpich.so.12")
            .imports({"MPI_Comm_c2f"});
        CHECK(site.verdict() == "NO_SYMBOL");
    }
    SECTION("another language's") {
        site.image.library("/usr/lib/perl/MPI.so")
            .needs("libmpich.so.12")
            .imports({"MPI_Comm_c2f"});
        CHECK(site.verdict() == "DEGRADED");
    }
}

TEST_CASE(
    "the image's modules under a directory that the stack shows break nothing: none sees them") {
    FakeSite site;
    FakeSite::openmpi(site.image).exports({"ompi_inner"});
    site.image.library("/usr/lib/openmpi/mca_x.so").needs("libmpi.so.40").imports({"ompi_inner"});
    FakeFile& other = site.image.program("/opt/a").needs("libmpi.so.40").imports({"MPI_Init"});
    Profile& openmpi = site.offers("openmpi", "openmpi", {"libmpi.so.40"});
    openmpi.plugins = {{{"/opt/modules"}, {"/lib/openmpi"}, true}};  // by a link of the image's
    FakeSite::openmpi(site.host);
    SECTION("and the programs work") {
        CHECK(site.verdict() == "OK");
    }
    SECTION("and all that is left does not work") {
        other.imports({"ompi_inner"});
        CHECK(site.verdict() == "NO_SYMBOL");
        CHECK(contains(site.mpi().reason, "/opt/a"));
    }
}
