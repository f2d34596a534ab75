// SPDX-License-Identifier: BSD-3-Clause
// Making indexes of real files, and keeping them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "core/app/index_cache.hpp"
#include "core/app/index_root.hpp"
#include "core/app/stacks_text.hpp"
#include "core/app/tree_stamps.hpp"
#include "core/sys/file.hpp"
#include "temporary_directory.hpp"

using namespace lading;
using namespace lading::app;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text, fs::perms mode = fs::perms::owner_all) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    fs::permissions(path, mode);
}

std::string index_of(const fs::path& root) {
    const sys::Fd fd(open(root.c_str(), O_RDONLY | O_DIRECTORY));
    auto index = index_root(fd.get());
    REQUIRE(index);
    return *index;
}

std::string content(const sys::Fd& fd) {
    return sys::read_all(fd.get(), 1 << 20, "a file").value_or("");
}

}  // namespace

TEST_CASE("a root's programs, links and scripts are indexed, and nothing else") {
    const TemporaryDirectory directory;
    const fs::path root = directory / "root";
    fs::create_directories(root / "usr/bin");
    fs::copy_file("/proc/self/exe", root / "usr/bin/program");
    fs::create_symlink("usr/bin", root / "bin");
    fs::create_symlink("program", root / "usr/bin/alias");
    fs::create_symlink("/nowhere", root / "usr/bin/dangling");
    write(root / "usr/bin/script", "#!/usr/bin/env python3\n");
    write(root / "usr/share/text", "#!/bin/sh\n", fs::perms::owner_read);
    write(root / "usr/share/broken",
          "\x7f"
          "ELF and no more");
    write(root / "usr/share/empty", "");

    const std::string bytes = index_of(root);
    const auto index = formats::ElfIndex::open(bytes);
    REQUIRE(index);
    CHECK(index->size() == 1);
    REQUIRE(index->find("/bin/alias"));
    CHECK(index->find("/bin/alias")->path == "/usr/bin/program");
    CHECK_FALSE(index->needed(0).empty());
    CHECK(index->script_interpreter("/bin/script") == "/usr/bin/python3");
    CHECK(index->script_interpreter("/usr/share/text").empty());
    CHECK(index_of(root) == bytes);
}

TEST_CASE("an index is kept under the file's identity, and forgotten with it") {
    const TemporaryDirectory directory;
    const std::string home = directory.path() + "/home";
    fs::create_directories(home);
    write(home + "/image", "one");
    const sys::Fd file(open((home + "/image").c_str(), O_RDONLY));
    const std::string path = cached_index_path(home, file.get());
    CHECK_FALSE(open_cached_index(path).valid());
    REQUIRE(keep_index(path, "an index"));
    CHECK(content(open_cached_index(path)) == "an index");
    CHECK((fs::status(path).permissions() & fs::perms::others_all) == fs::perms::none);

    write(home + "/image", "another");
    const sys::Fd changed(open((home + "/image").c_str(), O_RDONLY));
    CHECK(cached_index_path(home, changed.get()) != path);
}

TEST_CASE("only some indexes are kept, the latest") {
    const TemporaryDirectory directory;
    const std::string kept = directory.path() + "/.cache/lading/indexes/";
    for (int i = 0; i < 40; ++i) {
        REQUIRE(keep_index(kept + std::to_string(i), "x"));
    }
    CHECK(std::distance(fs::directory_iterator(kept), {}) == 32);
    CHECK(fs::exists(kept + "39"));
}

TEST_CASE("without a home, and for what is no file, nothing is kept") {
    const TemporaryDirectory directory;
    const sys::Fd null(open("/dev/null", O_RDONLY));
    CHECK(cached_index_path("/home/alice", null.get()).empty());
    const sys::Fd self(open("/proc/self/exe", O_RDONLY));
    CHECK(cached_index_path("/", self.get()).empty());
    CHECK_FALSE(open_cached_index("").valid());
}

TEST_CASE("a directory's index is kept until anything below it changes that it depends on") {
    const TemporaryDirectory directory;
    const fs::path root = directory / "root";
    fs::create_directories(root / "usr/bin");
    fs::create_directories(root / "usr/lib");
    fs::create_directories(root / "empty");
    fs::copy_file("/proc/self/exe", root / "usr/bin/program");
    write(root / "usr/bin/script", "#!/bin/sh\n");
    write(root / "usr/lib/later", "");
    write(root / "text", "text");
    const sys::Fd fd(open(root.c_str(), O_RDONLY | O_DIRECTORY));
    TreeStamps stamps;
    const auto index = index_root(fd.get(), &stamps);
    REQUIRE(index);
    const std::string kept = stamps.keep(*index);
    REQUIRE(index_of_unchanged(kept, fd.get()) == *index);

    SECTION("a file deep below is exchanged") {
        fs::copy_file("/proc/self/exe", root / "usr/bin/.new");
        fs::rename(root / "usr/bin/.new", root / "usr/bin/program");
    }
    SECTION("a file is written anew in its place") {
        std::ofstream(root / "usr/bin/program", std::ios::app) << "more";
    }
    SECTION("a script is written anew in its place") {
        std::ofstream(root / "usr/bin/script") << "#!/bin/ed\n";
    }
    SECTION("a file is made no program") {
        fs::permissions(root / "usr/bin/script", fs::perms::owner_read);
    }
    SECTION("an empty file is filled") {
        std::ofstream(root / "usr/lib/later") << "#!/bin/sh\n";
    }
    SECTION("a file appears") {
        write(root / "empty/new", "");
    }
    SECTION("a file is gone") {
        fs::remove(root / "usr/bin/script");
    }
    SECTION("a directory becomes a link") {
        fs::remove(root / "empty");
        fs::create_symlink("usr", root / "empty");
    }
    CHECK(index_of_unchanged(kept, fd.get()).empty());
}

TEST_CASE("a text of a directory's that changes in its place leaves its index as it is") {
    const TemporaryDirectory directory;
    write(directory / "root/text", "text");
    const sys::Fd fd(open((directory / "root").c_str(), O_RDONLY | O_DIRECTORY));
    TreeStamps stamps;
    const auto index = index_root(fd.get(), &stamps);
    REQUIRE(index);
    std::ofstream(directory / "root/text") << "another";
    CHECK(index_of_unchanged(stamps.keep(*index), fd.get()) == *index);
}

TEST_CASE(
    "the index of a directory that has just changed is not kept: the next change might hide") {
    const TemporaryDirectory directory;
    const sys::Fd fd(open(directory.path().c_str(), O_RDONLY | O_DIRECTORY));
    TreeStamps stamps;
    REQUIRE(index_root(fd.get(), &stamps));
    CHECK_FALSE(stamps.settled(std::time(nullptr)));
    CHECK(stamps.settled(std::time(nullptr) + 60));
}

TEST_CASE("a damaged index of a directory is none") {
    const TemporaryDirectory directory;
    const sys::Fd fd(open(directory.path().c_str(), O_RDONLY | O_DIRECTORY));
    TreeStamps stamps;
    stamps.add("", {});
    for (const std::string& bytes : {std::string(), std::string(8, '\xff'), std::string(8, '\0'),
                                     stamps.keep("index").substr(0, 20)}) {
        CHECK(index_of_unchanged(bytes, fd.get()).empty());
    }
}

TEST_CASE("what was probed of a host comes back, with the profiles that it was probed for") {
    Profile profile;
    profile.name = "mpich";
    ProbedHost host;
    host.stacks.push_back(
        {profile,
         {{compat::StackLibrary::Role::root, {"libmpich.so.12", "libmpi.so.12"}, 3},
          {compat::StackLibrary::Role::module, {"libuct_ib.so.0"}, 4}},
         ""});
    host.libc = {"2.36", {"/lib64/ld.so"}, {{"libc.so.6", 7}}};
    const auto back = parse_stacks(format_stacks(host), {profile});
    REQUIRE(back);
    REQUIRE(back->stacks.size() == 1);
    CHECK(back->stacks.front().profile == profile);
    REQUIRE(back->stacks.front().libraries.size() == 2);
    CHECK(back->stacks.front().libraries.front().names ==
          std::vector<std::string>{"libmpich.so.12", "libmpi.so.12"});
    CHECK(back->stacks.front().libraries.back().role == compat::StackLibrary::Role::module);
    CHECK(back->libc.family.at("libc.so.6") == 7);
    CHECK_FALSE(parse_stacks(format_stacks(host), {}));
    CHECK_FALSE(parse_stacks("damaged", {profile}));
}
