// SPDX-License-Identifier: BSD-3-Clause
// What the image wants: labels declare, files prove; and what the job asks for.
#include "compat/fake_site.hpp"

using namespace lading;

namespace {

const std::string kMpiLabel = "org.supercontainers.mpi";
const std::string kGpuLabel = "org.supercontainers.gpu";

/// A host with MPICH alone.
struct Site : FakeSite {
    Site() { host_mpich(); }
};

void host_openmpi(FakeSite& site, const std::string& soname = "libmpi.so.40") {
    site.offers("openmpi", "openmpi", {soname});
    FakeSite::openmpi(site.host, soname);
}

}  // namespace

TEST_CASE("an Open MPI image on a host with MPICH: TRANSLATE, and the image's own is used") {
    Site site;
    FakeSite::openmpi(site.image);
    site.app("libmpi.so.40");
    CHECK(site.verdict() == "TRANSLATE");
    CHECK(site.mpi().reason == "the image is built for Open MPI, this site offers MPICH");
    CHECK(contains(site.mpi().remedy, "Wi4MPI"));
    CHECK_FALSE(site.mpi().refuses);
    CHECK(site.plan().files.empty());
}

TEST_CASE("a site without any MPI: MISSING, and the image's own is used") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    CHECK(site.verdict() == "MISSING");
    CHECK(site.mpi().offers == "nothing");
    CHECK_FALSE(site.mpi().refuses);
}

TEST_CASE("a node that lacks what its profile names: MISSING, with the reason") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    site.plan();
    FakeSite broken;
    FakeSite::mpich(broken.image);
    broken.app();
    compat::Stack stack;
    stack.profile.name = "cray";
    stack.profile.provides = "mpich";
    stack.missing = "this node has no /opt/cray/libmpi.so.12, which profile cray names";
    broken.question.host.stacks.push_back(stack);
    CHECK(broken.verdict() == "MISSING");
    CHECK(broken.mpi().reason == stack.missing);
}

TEST_CASE("another interface version of the same MPI: NO_ABI") {
    FakeSite site;
    FakeSite::openmpi(site.image, "libmpi.so.20");
    site.app("libmpi.so.20");
    host_openmpi(site);
    CHECK(site.verdict() == "NO_ABI");
    CHECK(site.mpi().reason ==
          "the image needs libmpi.so.20, the host's openmpi offers libmpi.so.40");
    CHECK(site.plan().files.empty());
}

TEST_CASE("an MPI library that nothing in the image names: UNPROVEN, and given nevertheless") {
    Site site;
    FakeSite::mpich(site.image);
    CHECK(site.verdict() == "UNPROVEN");
    CHECK(site.injected() == "libmpich.so.12");
    CHECK(site.mpi().wants == "MPICH (libmpich.so.12), " + kLibraries + "/libmpich.so.12");
}

TEST_CASE("a program that does not name its MPI: UNPROVEN, whatever others of the image do") {
    FakeSite site(31, 36);
    FakeSite::mpich(site.image);
    site.app();
    site.image.program("/opt/plain").needs("libc.so.6", "GLIBC_2.17");
    site.question.image.programs = {"/opt/plain"};
    FakeFile& mpich = site.host_mpich();
    SECTION("with the image's glibc") {
        CHECK(site.verdict() == "UNPROVEN");
        CHECK(site.mpi().reason ==
              "/opt/plain names no library of it: it is loaded at run time, if at all");
    }
    SECTION("with the host's") {
        mpich.needs("libc.so.6", "GLIBC_2.36");
        CHECK(site.verdict() == "UNPROVEN");
        CHECK(contains(site.mpi().reason, "using the host's 2.36; /opt/plain names no library"));
        CHECK(site.finding("libc").verdict == Verdict::ok_glibc);
    }
    SECTION("a script that may run the others") {
        site.image.program("/usr/bin/bash").needs("libc.so.6", "GLIBC_2.17");
        site.question.image.programs = {"/usr/bin/bash"};
        CHECK(site.verdict() == "OK");
    }
}

TEST_CASE("an image with MPICH and Open MPI: the program's own counts") {
    Site site;
    FakeSite::mpich(site.image);
    FakeSite::openmpi(site.image);
    site.image.program("/usr/bin/ompi_info").needs("libmpi.so.40");
    SECTION("which the host has") {
        site.app();
        CHECK(site.verdict() == "OK");
        CHECK(site.plan().findings.size() == 3);  // MPI, libc, CPU
        CHECK(site.mpi().wants == "MPICH (libmpich.so.12)");
    }
    SECTION("which it has not") {
        site.app("libmpi.so.40");
        CHECK(site.verdict() == "TRANSLATE");
        CHECK(site.plan().files.empty());
    }
}

TEST_CASE("libmpi.so.12 was Open MPI 1.10's, too: the program's imports tell") {
    FakeSite site;
    FakeSite::openmpi(site.image, "libmpi.so.12");
    FakeFile& app = site.app("libmpi.so.12");
    site.host_mpich();
    SECTION("by a handle that it imports") {
        app.imports({"ompi_mpi_comm_world"});
        CHECK(site.verdict() == "TRANSLATE");
        CHECK(site.plan().files.empty());
    }
    SECTION("by a handle that it has a copy of") {
        app.copies("ompi_mpi_comm_world", 512);
        CHECK(site.verdict() == "TRANSLATE");
        CHECK(site.plan().files.empty());
    }
}

TEST_CASE("a program without handles, linked to the image's Open MPI 1.10, is no MPICH program") {
    FakeSite site;
    FakeSite::openmpi(site.image, "libmpi.so.12");
    site.app("libmpi.so.12");
    site.host_mpich();
    CHECK(site.verdict() == "TRANSLATE");
}

TEST_CASE("a host library that calls itself libmpi.so.12 as well serves who asks for that name") {
    Site site;
    SECTION("the image's is a link to libmpich.so.12, as in Debian") {
        FakeSite::mpich(site.image);
        site.app("libmpi.so.12");
        CHECK(site.verdict() == "OK");
        CHECK(site.injected() == "libmpich.so.12");
        CHECK(site.targets("libmpich.so.12") ==
              std::vector<std::string>{kLibraries + "/libmpich.so.12"});
    }
    SECTION("the image's is called libmpi.so.12, as MPICH's own make installs it") {
        site.image.library("libmpi.so.12").exports({"MPI_Init"});
        site.app("libmpi.so.12");
        CHECK(site.verdict() == "OK");
        CHECK(site.covers("libmpich.so.12", kLibraries + "/libmpi.so.12"));
        CHECK(site.covers("libmpich.so.12", kLibraries + "/libmpich.so.12"));
    }
}

TEST_CASE("a script may load any of the image's MPIs, so that all of them count") {
    Site site;
    FakeSite::mpich(site.image);
    FakeSite::openmpi(site.image);
    site.image.program("/usr/bin/python3.11").needs("libc.so.6", "GLIBC_2.17");
    site.image.library("/usr/lib/python3/mpich.so").needs("libmpich.so.12").imports({"MPI_Init"});
    site.image.library("/usr/lib/python3/openmpi.so").needs("libmpi.so.40").imports({"MPI_Init"});
    site.image.script("/opt/app.py", "/usr/bin/python3.11");
    SECTION("run by its name") {
        site.question.image.programs = {"/opt/app.py"};
    }
    SECTION("run by its interpreter") {
        site.question.image.programs = {"/usr/bin/python3.11"};
    }
    CHECK(site.plan().findings[0].verdict == Verdict::ok);
    CHECK(site.plan().findings[1].verdict == Verdict::translate);
    CHECK(site.injected() == "libmpich.so.12");
}

TEST_CASE("a label that the files contradict loses, and the finding says so") {
    Site site;
    FakeSite::mpich(site.image);
    site.app();
    site.question.image.labels = {{kMpiLabel, "openmpi"}};
    CHECK(site.verdict() == "OK");
    CHECK(site.mpi().reason ==
          "the label org.supercontainers.mpi says openmpi, the image's files say MPICH");
    CHECK(site.injected() == "libmpich.so.12");
}

TEST_CASE("a label alone: the image has no MPI, and gets the host's") {
    Site site;
    site.image.program("/usr/bin/app").needs("libc.so.6", "GLIBC_2.17");
    site.question.image.programs = {"/usr/bin/app"};
    site.question.image.labels = {{kMpiLabel, "mpich"}};
    CHECK(site.verdict() == "UNPROVEN");
    CHECK(site.mpi().wants == "MPICH, by label");
    CHECK(site.covers("libmpich.so.12", kLibraries + "/libmpich.so.12"));
    CHECK(site.covers("libmpich.so.12", kLibraries + "/libmpi.so.12"));
}

TEST_CASE("what a label declares and the host has in no fitting form is refused") {
    Site site;
    FakeSite::openmpi(site.image);
    site.app("libmpi.so.40");
    site.question.image.labels = {{kMpiLabel, "openmpi"}};
    CHECK(site.verdict() == "TRANSLATE");
    CHECK(site.mpi().refuses);
    CHECK(refusal_of(site.plan()) == &site.mpi());
}

TEST_CASE("what a label declares and the site does not offer at all is told, not refused") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    site.question.image.labels = {{kMpiLabel, "mpich"}};
    CHECK(site.verdict() == "MISSING");
    CHECK_FALSE(site.mpi().refuses);
}

TEST_CASE("a label that says none is no wish") {
    Site site;
    site.question.image.labels = {{kMpiLabel, "none"}, {kGpuLabel, ""}};
    CHECK(verdict_of(site.plan()) == Verdict::native);
}

TEST_CASE("--container-inject=none gives nothing, whatever labels and files say") {
    Site site;
    FakeSite::mpich(site.image);
    site.app();
    site.question.image.labels = {{kMpiLabel, "mpich"}};
    site.question.wish.automatic = false;
    site.question.wish.none = true;
    CHECK(verdict_of(site.plan()) == Verdict::native);
    CHECK(site.plan().files.empty());
}

TEST_CASE("--container-inject=mpi refuses what without it would only be told") {
    Site site;
    FakeSite::openmpi(site.image);
    site.app("libmpi.so.40");
    site.question.wish.automatic = false;
    site.question.wish.demands = {"mpi"};
    CHECK(site.verdict() == "TRANSLATE");
    CHECK(site.mpi().refuses);
    CHECK(site.mpi().remedy.size() > 0);
}

TEST_CASE("--container-inject=mpi gives the host's MPI alone") {
    Site site;
    FakeSite::mpich(site.image);
    site.app().needs("libcuda.so.1");
    site.offers("cuda", "cuda", {"libcuda.so.1"}, StackKind::gpu);
    site.host.library("libcuda.so.1");
    site.question.wish.automatic = false;
    site.question.wish.demands = {"mpi"};
    CHECK(site.injected() == "libmpich.so.12");
}

TEST_CASE("a demand for an image that says nothing of it gets the site's first of that kind") {
    FakeSite site;
    site.image.program("/usr/bin/app").needs("libc.so.6", "GLIBC_2.17");
    site.question.image.programs = {"/usr/bin/app"};
    site.question.wish.automatic = false;
    site.question.wish.demands = {"mpi"};
    SECTION("which it has") {
        site.host_mpich();
        CHECK(site.verdict() == "UNPROVEN");
        CHECK_FALSE(site.mpi().refuses);
        CHECK(site.mpi().wants == "MPICH, by --container-inject");
        CHECK(site.injected() == "libmpich.so.12");
    }
    SECTION("which it has not: the step is refused") {
        CHECK(site.verdict() == "MISSING");
        CHECK(site.mpi().refuses);
        CHECK(site.mpi().reason == "this site has no profile of MPI");
    }
}

TEST_CASE("a GPU program gets the host's driver, and one for another GPU does not") {
    FakeSite site;
    FakeFile& app = site.app("libcuda.so.1");
    site.offers("cuda", "cuda", {"libcuda.so.1"}, StackKind::gpu);
    site.host.library("libcuda.so.1").exports({"cuInit", "MPI_Init"});
    SECTION("the driver that it names") {
        CHECK(site.finding("GPU").verdict == Verdict::ok);
        CHECK(site.finding("GPU").speed == "the host's driver in use");
        CHECK(site.injected() == "libcuda.so.1");
    }
    SECTION("and another that this site has not") {
        app.needs("libamdhip64.so.5");
        CHECK(site.injected() == "libcuda.so.1");
        const auto& all = site.plan().findings;
        CHECK(std::count_if(all.begin(), all.end(), [](const Finding& one) {
                  return one.verdict == Verdict::missing && contains(one.wants, "ROCm");
              }) == 1);
    }
}

TEST_CASE("a GPU driver that the image has none of is not asked for the program's MPI") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app().needs("libcuda.so.1").imports({"cuInit"});
    site.host_mpich();
    site.offers("cuda", "cuda", {"libcuda.so.1"}, StackKind::gpu);
    site.host.library("libcuda.so.1").exports({"cuInit"});
    CHECK(site.verdict() == "OK");
    CHECK(site.finding("GPU").verdict == Verdict::ok);
    CHECK(site.injected() == "libcuda.so.1 libmpich.so.12");
}

TEST_CASE("a GPU driver that needs another copy than the program of one library: CONFLICT") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libhwloc.so.15").exports({"hwloc_both", "hwloc_mine"});
    site.app().needs("libcuda.so.1").needs("libhwloc.so.15").imports({"hwloc_mine"});
    site.host_mpich().needs("libhwloc.so.15").imports({"hwloc_both"});
    site.offers("cuda", "cuda", {"libcuda.so.1"}, StackKind::gpu);
    site.host.library("libcuda.so.1").needs("libhwloc.so.15").imports({"hwloc_newer"});
    site.host.library("libhwloc.so.15").exports({"hwloc_both", "hwloc_newer"});
    CHECK(site.verdict() == "OK");
    CHECK(site.finding("GPU").verdict == Verdict::conflict);
    CHECK(site.injected() == "libmpich.so.12");
    CHECK(site.kept() == "libhwloc.so.15");
}

TEST_CASE("an MPI and a GPU driver that fit alone and not together: the driver yields") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.image.library("libhwloc.so.15").exports({"hwloc_both", "hwloc_mine"});
    site.app().needs("libcuda.so.1").needs("libhwloc.so.15").imports({"hwloc_mine"});
    // Each stack has a copy of its own; the container can have one.
    site.offers("mpich", "mpich", {"/opt/mpi/libmpich.so.12"});
    site.host.library("/opt/mpi/libmpich.so.12")
        .exports({"MPI_Init"})
        .needs("libhwloc.so.15")
        .imports({"hwloc_both"});
    site.host.library("/opt/mpi/libhwloc.so.15").exports({"hwloc_both"});
    site.offers("cuda", "cuda", {"libcuda.so.1"}, StackKind::gpu);
    site.host.library("libcuda.so.1").needs("libhwloc.so.15").imports({"hwloc_newer"});
    site.host.library("libhwloc.so.15").exports({"hwloc_both", "hwloc_newer", "hwloc_mine"});
    CHECK(site.verdict() == "OK");
    CHECK(site.finding("GPU").verdict == Verdict::conflict);
    CHECK(contains(site.finding("GPU").reason, "hwloc_mine"));
    CHECK(site.injected() == "libmpich.so.12");
    CHECK(site.plan().profiles == std::vector<std::string>{"mpich"});
}

TEST_CASE("a program built for a newer processor than this node's: NO_CPU") {
    FakeSite site;
    site.app("libz.so.1").isa_level(4);
    site.image.library("libz.so.1");
    const Finding& cpu = site.finding("CPU");
    CHECK(cpu.verdict == Verdict::no_cpu);
    CHECK(cpu.refuses);
    CHECK(cpu.reason == "/usr/bin/app is built for x86-64-v4 (GNU_PROPERTY_X86_ISA_1_NEEDED)");
    CHECK(cpu.wants == "amd64 x86-64-v4");
    CHECK(cpu.offers == "amd64 x86-64-v3");
}

TEST_CASE("a library that the program loads may ask for a newer processor, too") {
    FakeSite site;
    site.app("libz.so.1");
    site.image.library("libz.so.1").isa_level(4);
    site.image.library("libunused.so.1").isa_level(4);
    CHECK(site.finding("CPU").verdict == Verdict::no_cpu);
    CHECK(contains(site.finding("CPU").reason, "libz.so.1"));
}

TEST_CASE("an image for another architecture: NO_ARCH, and nothing else is asked") {
    Site site;
    FakeSite::mpich(site.image);
    site.question.image.architecture = "arm64";
    REQUIRE(site.plan().findings.size() == 1);
    CHECK(site.finding("CPU").verdict == Verdict::no_arch);
    CHECK(site.finding("CPU").refuses);
    CHECK(site.plan().files.empty());
}

TEST_CASE("a program for another architecture in an image for this one: NO_ARCH") {
    Site site;
    FakeSite::mpich(site.image);
    site.image.program("/usr/bin/app").architecture("arm64").needs("libmpich.so.12");
    site.question.image.programs = {"/usr/bin/app"};
    CHECK(site.finding("CPU").verdict == Verdict::no_arch);
    CHECK(contains(site.finding("CPU").reason, "/usr/bin/app is built for arm64"));
}

TEST_CASE("a 32-bit image on its 64-bit successor runs, and gets nothing that is not for it") {
    Site site;
    site.image.library("/usr/lib32/libmpich.so.12").architecture("386");
    site.image.program("/usr/bin/old").architecture("386").needs("libmpich.so.12");
    site.question.image.architecture = "386";
    CHECK(site.plan().files.empty());
    CHECK(refusal_of(site.plan()) == nullptr);
}
