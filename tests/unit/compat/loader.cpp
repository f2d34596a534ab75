// SPDX-License-Identifier: BSD-3-Clause
// Where the loader of an image looks, rule by rule: ld.so(8).
#include "core/compat/loader.hpp"

#include "compat/fake_root.hpp"

using namespace lading;
using compat::Loader;

namespace {

struct Root : FakeRoot {
    std::vector<std::string> library_path;
    unsigned isa_level = 3;

    Loader loader() { return {index(), "amd64", isa_level, library_path}; }

    /// What /usr/bin/app gets for a library, by its path; `-` for none.
    std::string gets(const std::string& soname) {
        for (const compat::Loaded& loaded : loader().closure(id("/usr/bin/app"))) {
            if (loaded.name == soname) {
                return loaded.file ? path(*loaded.file) : "-";
            }
        }
        return "not asked for";
    }
};

}  // namespace

TEST_CASE("a plain program looks in the cache, then in the system's directories") {
    Root root;
    root.program("/usr/bin/app").needs("libz.so.1").needs("liby.so.1").needs("libx.so.1");
    root.library("/opt/z/libz.so.1");
    root.library("libz.so.1");
    root.library("liby.so.1");
    root.cached("libz.so.1", "/opt/z/libz.so.1");
    CHECK(root.gets("libz.so.1") == "/opt/z/libz.so.1");
    CHECK(root.gets("liby.so.1") == kLibraries + "/liby.so.1");
    CHECK(root.gets("libx.so.1") == "-");
}

TEST_CASE("RPATH, then LD_LIBRARY_PATH, then RUNPATH, then the system") {
    Root root;
    for (const std::string directory : {"/rpath", "/library", "/runpath", kLibraries.c_str()}) {
        root.library(directory + "/libz.so.1");
    }
    FakeFile& app = root.program("/usr/bin/app").needs("libz.so.1");
    SECTION("RPATH first") {
        app.rpath("/rpath");
        root.library_path = {"/library"};
        CHECK(root.gets("libz.so.1") == "/rpath/libz.so.1");
    }
    SECTION("LD_LIBRARY_PATH before RUNPATH") {
        app.runpath("/runpath");
        root.library_path = {"/library"};
        CHECK(root.gets("libz.so.1") == "/library/libz.so.1");
    }
    SECTION("RUNPATH silences RPATH") {
        app.rpath("/rpath").runpath("/runpath");
        CHECK(root.gets("libz.so.1") == "/runpath/libz.so.1");
    }
    SECTION("none of them") {
        CHECK(root.gets("libz.so.1") == kLibraries + "/libz.so.1");
    }
}

TEST_CASE("RPATH is inherited by what a program loads, RUNPATH is not") {
    Root root;
    FakeFile& app = root.program("/usr/bin/app").needs("liba.so.1");
    FakeFile& middle = root.library("/opt/liba.so.1").needs("libz.so.1");
    root.library("/opt/libz.so.1");
    root.library("libz.so.1");
    SECTION("RPATH") {
        app.rpath("/opt");
        CHECK(root.gets("libz.so.1") == "/opt/libz.so.1");
    }
    SECTION("RUNPATH") {
        app.runpath("/opt");
        CHECK(root.gets("libz.so.1") == kLibraries + "/libz.so.1");
    }
    SECTION("RPATH does not reach what has a RUNPATH") {
        app.rpath("/opt");
        middle.runpath("/nowhere");
        CHECK(root.gets("libz.so.1") == kLibraries + "/libz.so.1");
    }
}

TEST_CASE("a library is loaded once, by whoever asks first") {
    Root root;
    root.program("/usr/bin/app").needs("liba.so.1").needs("libb.so.1");
    root.library("liba.so.1").needs("libz.so.1").runpath("/opt");
    root.library("libb.so.1").needs("libz.so.1");
    root.library("/opt/libz.so.1");
    root.library("libz.so.1");
    CHECK(root.gets("libz.so.1") == "/opt/libz.so.1");
    CHECK(root.loader().closure(root.id("/usr/bin/app")).size() == 3);
}

TEST_CASE("a library that is loaded under another name serves those who ask for its soname") {
    Root root;
    root.program("/usr/bin/app").needs("libmpi.so.12").needs("libmpich.so.12");
    root.library("libmpich.so.12");
    root.link(kLibraries + "/libmpi.so.12", "libmpich.so.12");
    const auto loaded = root.loader().closure(root.id("/usr/bin/app"));
    REQUIRE(loaded.size() == 1);
    CHECK(loaded[0].name == "libmpi.so.12");
    CHECK(loaded[0].file == root.id("libmpich.so.12"));
}

TEST_CASE("libraries that need each other are loaded once") {
    Root root;
    root.program("/usr/bin/app").needs("liba.so.1");
    root.library("liba.so.1").needs("libb.so.1");
    root.library("libb.so.1").needs("liba.so.1").needs("libb.so.1");
    CHECK(root.loader().closure(root.id("/usr/bin/app")).size() == 2);
}

TEST_CASE("$ORIGIN is where the file itself lies, after links") {
    Root root;
    root.program("/opt/app-1.2/bin/app").needs("libz.so.1").rpath("$ORIGIN/../lib:/x${ORIGIN}");
    root.link("/usr/bin/app", "/opt/app-1.2/bin/app");
    root.library("/opt/app-1.2/lib/libz.so.1");
    CHECK(root.gets("libz.so.1") == "/opt/app-1.2/lib/libz.so.1");
    const auto file = root.index().file(root.id("/usr/bin/app"));
    CHECK(root.loader().directories(file, file.rpath) ==
          std::vector<std::string>{"/opt/app-1.2/bin/../lib", "/x/opt/app-1.2/bin"});
}

TEST_CASE("the best copy for this processor is taken, and none that is too new for it") {
    Root root;
    root.program("/usr/bin/app").needs("libz.so.1");
    root.library("libz.so.1");
    for (const std::string level : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
        root.library(kLibraries + "/glibc-hwcaps/" + level + "/libz.so.1");
    }
    for (const unsigned level : {1U, 2U, 3U, 4U, 0U}) {
        root.isa_level = level;
        CHECK(root.gets("libz.so.1") == (level < 2 ? kLibraries + "/libz.so.1"
                                                   : kLibraries + "/glibc-hwcaps/x86-64-v" +
                                                         std::to_string(level) + "/libz.so.1"));
    }
}

TEST_CASE("the cache's copies for newer processors come before its plain ones") {
    Root root;
    root.program("/usr/bin/app").needs("libz.so.1");
    for (const std::string name : {"/b/libz.so.1", "/v3/libz.so.1", "/v4/libz.so.1"}) {
        root.library(name);
    }
    root.cached("libz.so.1", "/b/libz.so.1");
    root.cached("libz.so.1", "/v3/libz.so.1", "x86-64-v3");
    root.cached("libz.so.1", "/v4/libz.so.1", "x86-64-v4");
    CHECK(root.gets("libz.so.1") == "/v3/libz.so.1");
    root.isa_level = 4;
    CHECK(root.gets("libz.so.1") == "/v4/libz.so.1");
    root.isa_level = 2;
    CHECK(root.gets("libz.so.1") == "/b/libz.so.1");
}

TEST_CASE("a cache entry whose file is gone is passed over") {
    Root root;
    root.program("/usr/bin/app").needs("libz.so.1");
    root.library("libz.so.1");
    root.cached("libz.so.1", "/gone/libz.so.1");
    CHECK(root.gets("libz.so.1") == kLibraries + "/libz.so.1");
}

TEST_CASE("files of another architecture are passed over") {
    Root root;
    root.program("/usr/bin/app").needs("libz.so.1").rpath("/opt");
    root.library("/opt/libz.so.1").architecture("386");
    root.library("libz.so.1");
    CHECK(root.gets("libz.so.1") == kLibraries + "/libz.so.1");
}

TEST_CASE("a program that wants no default directories gets nothing of theirs, cached or not") {
    Root root;
    root.program("/usr/bin/app").needs("libz.so.1").needs("liby.so.1").no_default_directories();
    root.library("libz.so.1");
    root.library("/opt/liby.so.1");
    root.cached("libz.so.1", kLibraries + "/libz.so.1");
    root.cached("liby.so.1", "/opt/liby.so.1");
    CHECK(root.gets("libz.so.1") == "-");
    CHECK(root.gets("liby.so.1") == "/opt/liby.so.1");
}

TEST_CASE("a needed name with a slash is a path, and is looked for nowhere else") {
    Root root;
    root.program("/usr/bin/app").needs("/opt/libz.so.1").needs("sub/liby.so.1");
    root.library("/opt/libz.so.1");
    root.library("/sub/liby.so.1");
    root.library("libz.so.1");
    CHECK(root.gets("/opt/libz.so.1") == "/opt/libz.so.1");
    CHECK(root.gets("sub/liby.so.1") == "-");  // it depends on the working directory
}

TEST_CASE("all the copies of a library that somebody could get") {
    Root root;
    for (const std::string directory : {"/rpath", "/library", "/elsewhere", kLibraries.c_str()}) {
        root.library(directory + "/libz.so.1");
    }
    root.library_path = {"/library"};
    std::vector<std::string> paths;
    for (const std::uint32_t file : root.loader().copies("libz.so.1", {"/rpath", "/library"})) {
        paths.push_back(root.path(file));
    }
    CHECK(paths == std::vector<std::string>{kLibraries + "/libz.so.1", "/library/libz.so.1",
                                            "/rpath/libz.so.1"});
}

TEST_CASE("the image's libc tells where its libraries lie") {
    Root debian;
    debian.glibc(36);
    CHECK(debian.loader().libc_directory() == kLibraries);
    Root fedora;
    fedora.library("/usr/lib64/libc.so.6");
    fedora.link("/lib64", "usr/lib64");
    CHECK(fedora.loader().libc_directory() == "/usr/lib64");
    Root none;
    none.program("/usr/bin/app");
    CHECK(none.loader().libc_directory().empty());
}
