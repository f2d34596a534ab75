// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/elf_summary.hpp"

#include "compat/fake_site.hpp"

using namespace lading;

namespace {

compat::ElfSummary summary_of(FakeRoot& root, const std::string& architecture = "amd64") {
    return compat::summarise(root.index(), architecture);
}

}  // namespace

TEST_CASE("an image's MPIs are named, with their libraries and how many files need them") {
    FakeSite site;
    FakeSite::mpich(site.image);
    site.app();
    const auto summary = summary_of(site.image);
    REQUIRE(summary.stacks.size() == 1);
    CHECK(summary.stacks.front().provides == "mpich");
    CHECK(summary.stacks.front().libraries ==
          std::vector<std::string>{kLibraries + "/libmpich.so.12"});
    CHECK(summary.stacks.front().users == 1);
}

TEST_CASE("the processor that an image asks for is that of its most demanding file") {
    FakeRoot root;
    root.program("/usr/bin/plain");
    root.program("/usr/bin/fast").isa_level(3);
    // The loader takes it only where the processor is one.
    root.library(kLibraries + "/glibc-hwcaps/x86-64-v4/libx.so.1").isa_level(4);
    const auto summary = summary_of(root);
    CHECK(summary.files == 3);
    CHECK(summary.isa_level == 3);
    CHECK(summary.isa_file == "/usr/bin/fast");
    CHECK(summary.architectures == std::map<std::string, std::uint32_t>{{"amd64", 3}});
}

TEST_CASE("an image without an architecture is read as what most of its files are for") {
    FakeRoot root;
    root.program("/usr/bin/a").architecture("arm64");
    root.program("/usr/bin/b").architecture("arm64").needs("libmpi.so.40");
    root.program("/usr/bin/c");
    const auto summary = summary_of(root, "");
    REQUIRE(summary.stacks.size() == 1);
    CHECK(summary.stacks.front().provides == "openmpi");
    CHECK(summary.stacks.front().libraries.empty());
}

TEST_CASE("an image's glibc is as new as the newest of its files says") {
    FakeRoot root;
    root.library("libc.so.6").defines({"GLIBC_2.2.5", "GLIBC_2.30"});
    root.library("libm.so.6").defines({"GLIBC_2.2.5", "GLIBC_2.31"});
    root.library("libmine.so.1").defines({"GLIBC_2.99"});
    CHECK(summary_of(root).libc == "glibc 2.31");
}
