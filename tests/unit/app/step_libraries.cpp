// SPDX-License-Identifier: BSD-3-Clause
// What root believes of its reader, which hostile bytes may have bent.
#include "core/app/step_libraries.hpp"

#include "catch.hpp"
#include "contains.hpp"
#include "core/formats/elf_index.hpp"

using namespace lading;
using namespace lading::app;

namespace {

/// A node with one library and a profile that shows a directory, a file and a program.
struct Host {
    std::string bytes;
    formats::ElfIndex index;
    compat::HostSide side;

    Host() : bytes(make_index()), index(formats::ElfIndex::open(bytes).value()) {
        side.index = &index;
        side.libc.loader = {"/usr/lib/ld.so"};
        compat::Stack& stack = side.stacks.emplace_back();
        stack.profile.plugins = {{{"/usr/lib/ucx"}, {"/usr/lib/ucx"}, true}};
        stack.profile.data = {{{"/etc/libibverbs.d"}, {"/etc/libibverbs.d"}, false}};
        stack.profile.programs = {{"/usr/bin/ld"}};
    }

    static std::string make_index() {
        formats::ElfIndexBuilder builder;
        formats::ElfFile file;
        file.kind = formats::ElfFile::Kind::library;
        builder.add_file("/usr/lib/libmpi.so.12", file);
        return std::move(builder).finish();
    }
};

/// One that names nothing but what the site has.
Injection honest() {
    Injection injection;
    injection.files.push_back(
        {"libmpi.so.12", {"/usr/lib/libmpi.so.12"}, {{"/usr/lib/libmpi.so.12"}}, "", ""});
    for (const char* const source : {"/usr/lib/ucx", "/etc/libibverbs.d", "/usr/bin/ld"}) {
        injection.mounts.push_back({{source}, {source}, true, ""});
    }
    injection.libc.version = "2.36";
    injection.libc.loader = {"/usr/lib/ld.so"};
    return injection;
}

}  // namespace

TEST_CASE("what a site's profiles lead to is injected") {
    CHECK(check_injection(honest(), Host().side));
}

TEST_CASE("what no profile of the site's leads to is not injected, whoever asks for it") {
    Injection forged = honest();
    std::string path;
    SECTION("a file") {
        path = forged.files.front().source.value = "/etc/shadow";
    }
    SECTION("a directory") {
        path = forged.mounts.front().source.value = "/root";
    }
    SECTION("a directory above one that is shown") {
        path = forged.mounts.front().source.value = "/usr/lib";
    }
    SECTION("a file in the index, by another name") {
        path = forged.files.front().source.value = "/usr/lib/../lib/libmpi.so.13";
    }
    SECTION("a loader") {
        path = forged.libc.loader.value = "/home/mallory/ld.so";
    }
    const Result<> checked = check_injection(forged, Host().side);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Code::refused);
    CHECK(contains(checked.error().what, path));
}
