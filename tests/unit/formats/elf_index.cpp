// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_index.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "mutation.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

ElfIndex open(const std::string& bytes) {
    auto index = ElfIndex::open(bytes);
    REQUIRE(index);
    return *index;
}

ElfFile library() {
    ElfFile file;
    file.kind = ElfFile::Kind::library;
    file.architecture = "amd64";
    file.dynamic = true;
    file.soname = "libgrid.so.2";
    file.needed = {"libm.so.6", "libc.so.6"};
    file.runpath = "$ORIGIN/../lib";
    file.build_id = "01abff";
    file.isa_level = 3;
    file.version_needs = {{"libc.so.6", "GLIBC_2.34", false},
                          {"libc.so.6", "GLIBC_ABI_DT_RELR", true}};
    file.version_definitions = {"GRID_1", "GRID_2"};
    file.imports = {{"malloc", "GLIBC_2.34", "libc.so.6", false},
                    {"plain", "", "", false},
                    {"__gmon_start__", "", "", true}};
    file.exports = {{"grid_open", "GRID_2", true, 40, false},
                    {"grid_open", "GRID_1", false, 24, false},
                    {"grid_table", "GRID_1", true, 4096, true},
                    {"grid_everywhere", "", true, 0, false}};
    return file;
}

ElfFile program() {
    ElfFile file;
    file.kind = ElfFile::Kind::program;
    file.architecture = "amd64";
    file.dynamic = true;
    file.no_default_directories = true;
    file.interpreter = "/lib64/ld-linux-x86-64.so.2";
    file.needed = {"libgrid.so.2"};
    file.rpath = "/opt/lib";
    file.copies = {{"grid_table", "GRID_1", 0x1'0000'1000U}};
    return file;
}

/// One of everything.
ElfIndexBuilder small() {
    ElfIndexBuilder builder;
    builder.add_file("/opt/lib/libgrid.so.2.1", library());
    builder.add_file("/usr/bin/grid", program());
    builder.add_link("/opt/lib/libgrid.so.2", "libgrid.so.2.1");
    builder.add_link("/lib", "/opt/lib");
    builder.add_script("/usr/bin/grid.py", "/usr/bin/python3");
    builder.set_loader_cache({{"libz.so.1", "/lib/libz.so.1", ""},
                              {"libgrid.so.2", "/opt/lib/v3/libgrid.so.2", "x86-64-v3"},
                              {"libgrid.so.2", "/opt/lib/libgrid.so.2", ""}});
    return builder;
}

std::vector<std::string> paths(const std::vector<IndexedFile>& files) {
    std::vector<std::string> list;
    for (const IndexedFile& file : files) {
        list.emplace_back(file.path);
    }
    return list;
}

/// Asks everything that can be asked, and more.
void ask(const ElfIndex& index) {
    const std::uint32_t count = std::min(index.size(), 64U);
    for (std::uint32_t id = 0; id < count + 2; ++id) {
        const IndexedFile file = index.file(id);
        for (const std::string_view name : index.needed(id)) {
            static_cast<void>(index.with_soname(name));
            static_cast<void>(index.cached(name));
        }
        for (const ElfImport& import : index.imports(id)) {
            static_cast<void>(index.exports(id, import.name, import.version));
        }
        for (const ElfCopy& copy : index.copies(id)) {
            static_cast<void>(index.object_bytes(id, copy.name, copy.version));
        }
        static_cast<void>(index.version_needs(id));
        static_cast<void>(index.version_definitions(id));
        static_cast<void>(index.find(file.path));
        static_cast<void>(index.script_interpreter(file.path));
    }
    for (const std::string_view name : index.sonames()) {
        static_cast<void>(index.users(name));
    }
    static_cast<void>(index.resolve("/lib/libgrid.so.2/x/../.."));
    static_cast<void>(index.script_interpreter("/usr/bin/grid.py"));
    static_cast<void>(index.loader_cache());
}

}  // namespace

TEST_CASE("every fact of a library comes back as it was put in") {
    const std::string bytes = small().finish();
    const ElfIndex index = open(bytes);
    CHECK(index.size() == 2);
    const auto file = index.find("/opt/lib/libgrid.so.2.1");
    REQUIRE(file);
    CHECK(file->kind == ElfFile::Kind::library);
    CHECK(file->dynamic);
    CHECK_FALSE(file->no_default_directories);
    CHECK(file->isa_level == 3);
    CHECK(file->path == "/opt/lib/libgrid.so.2.1");
    CHECK(file->architecture == "amd64");
    CHECK(file->interpreter.empty());
    CHECK(file->soname == "libgrid.so.2");
    CHECK(file->rpath.empty());
    CHECK(file->runpath == "$ORIGIN/../lib");
    CHECK(file->build_id == "01abff");
    CHECK(index.needed(file->id) == std::vector<std::string_view>{"libm.so.6", "libc.so.6"});
    CHECK(index.version_definitions(file->id) == std::vector<std::string_view>{"GRID_1", "GRID_2"});
    const auto needs = index.version_needs(file->id);
    REQUIRE(needs.size() == 2);
    CHECK((needs[0].file == "libc.so.6" && needs[0].version == "GLIBC_2.34" && !needs[0].weak));
    CHECK((needs[1].version == "GLIBC_ABI_DT_RELR" && needs[1].weak));
    const auto imports = index.imports(file->id);
    REQUIRE(imports.size() == 3);
    CHECK((imports[0].name == "malloc" && imports[0].version == "GLIBC_2.34" &&
           imports[0].file == "libc.so.6" && !imports[0].weak));
    CHECK((imports[1].name == "plain" && imports[1].version.empty() && imports[1].file.empty()));
    CHECK((imports[2].name == "__gmon_start__" && imports[2].weak));
    CHECK(index.copies(file->id).empty());
}

TEST_CASE("every fact of a program comes back as it was put in") {
    const std::string bytes = small().finish();
    const ElfIndex index = open(bytes);
    const auto file = index.find("/usr/bin/grid");
    REQUIRE(file);
    CHECK(file->kind == ElfFile::Kind::program);
    CHECK(file->no_default_directories);
    CHECK(file->isa_level == 0);
    CHECK(file->interpreter == "/lib64/ld-linux-x86-64.so.2");
    CHECK(file->soname.empty());
    CHECK(file->rpath == "/opt/lib");
    const auto copies = index.copies(file->id);
    REQUIRE(copies.size() == 1);
    CHECK((copies[0].name == "grid_table" && copies[0].version == "GRID_1" &&
           copies[0].bytes == 0x1'0000'1000U));
}

TEST_CASE("an export is found by name and version as the loader finds it") {
    const std::string bytes = small().finish();
    const ElfIndex index = open(bytes);
    const std::uint32_t id = index.find("/opt/lib/libgrid.so.2.1")->id;
    CHECK(index.exports(id, "grid_open", "GRID_2"));
    CHECK(index.exports(id, "grid_open", "GRID_1"));  // for those who ask for it
    CHECK(index.exports(id, "grid_open", ""));        // the default version
    CHECK_FALSE(index.exports(id, "grid_open", "GRID_3"));
    CHECK(index.exports(id, "grid_everywhere", ""));
    CHECK_FALSE(index.exports(id, "grid_everywhere", "GRID_1"));
    CHECK_FALSE(index.exports(id, "plain", ""));  // imported
    CHECK_FALSE(index.exports(id, "", ""));
    CHECK_FALSE(index.exports(99, "grid_open", ""));
}

TEST_CASE("an old version alone is nothing for a reference without one") {
    ElfIndexBuilder builder;
    ElfFile file;
    file.version_definitions = {"GRID_1"};
    file.exports = {{"grid_open", "GRID_1", false, 0, false}};
    builder.add_file("/a", file);
    const std::string bytes = std::move(builder).finish();
    CHECK_FALSE(open(bytes).exports(0, "grid_open", ""));
    CHECK(open(bytes).exports(0, "grid_open", "GRID_1"));
}

TEST_CASE("a library without versions serves every version") {
    ElfIndexBuilder builder;
    ElfFile file;
    file.exports = {{"grid_open", "", true, 0, false}, {"grid_table", "", true, 12, true}};
    builder.add_file("/a", file);
    const std::string bytes = std::move(builder).finish();
    CHECK(open(bytes).exports(0, "grid_open", "GRID_7"));
    CHECK(open(bytes).object_bytes(0, "grid_table", "GRID_7") == 12);
}

TEST_CASE("data has its size, and what is no data has none") {
    const std::string bytes = small().finish();
    const ElfIndex index = open(bytes);
    const std::uint32_t id = index.find("/opt/lib/libgrid.so.2.1")->id;
    CHECK(index.object_bytes(id, "grid_table", "GRID_1") == 4096);
    CHECK(index.object_bytes(id, "grid_table", "") == 4096);
    CHECK_FALSE(index.object_bytes(id, "grid_table", "GRID_2"));
    CHECK_FALSE(index.object_bytes(id, "grid_open", ""));
    CHECK_FALSE(index.object_bytes(99, "grid_table", ""));
}

TEST_CASE("libraries are found by soname, or by name where they have none") {
    ElfIndexBuilder builder;
    ElfFile file;
    file.soname = "libz.so.1";
    builder.add_file("/usr/lib/libz.so.1.2", file);
    builder.add_file("/opt/libz.so.1.3", file);
    builder.add_file("/opt/libz.so.1", ElfFile{});
    file.soname = "libother.so.1";
    builder.add_file("/usr/lib/libz.so.1", file);  // its own name counts, not the file's
    const std::string bytes = std::move(builder).finish();
    CHECK(paths(open(bytes).with_soname("libz.so.1")) ==
          std::vector<std::string>{"/opt/libz.so.1", "/opt/libz.so.1.3", "/usr/lib/libz.so.1.2"});
    CHECK(open(bytes).with_soname("libz.so").empty());
    CHECK(open(bytes).with_soname("").empty());
}

TEST_CASE("who needs a library is known, once each") {
    ElfIndexBuilder builder;
    ElfFile file;
    file.needed = {"libz.so.1", "libc.so.6", "libz.so.1"};
    builder.add_file("/b", file);
    file.needed = {"libz.so.1"};
    builder.add_file("/a", file);
    const std::string bytes = std::move(builder).finish();
    const ElfIndex index = open(bytes);
    CHECK(index.users("libz.so.1") == std::vector<std::uint32_t>{0, 1});
    CHECK(index.users("libc.so.6") == std::vector<std::uint32_t>{1});
    CHECK(index.users("libm.so.6").empty());
    CHECK(index.sonames() == std::vector<std::string_view>{"a", "b", "libc.so.6", "libz.so.1"});
}

TEST_CASE("the loader's cache comes back by soname, the preferred first") {
    const std::string bytes = small().finish();
    CHECK(open(bytes).loader_cache() ==
          std::vector<CacheEntry>{{"libgrid.so.2", "/opt/lib/v3/libgrid.so.2", "x86-64-v3"},
                                  {"libgrid.so.2", "/opt/lib/libgrid.so.2", ""},
                                  {"libz.so.1", "/lib/libz.so.1", ""}});
    const auto grid = open(bytes).cached("libgrid.so.2");
    REQUIRE(grid.size() == 2);
    CHECK(grid[0].hwcaps == "x86-64-v3");
    CHECK(grid[1].path == "/opt/lib/libgrid.so.2");
    CHECK(open(bytes).cached("libgone.so.1").empty());
}

TEST_CASE("the same facts in any order give the same bytes") {
    const std::vector<std::function<void(ElfIndexBuilder&)>> facts = {
        [](ElfIndexBuilder& b) { b.add_file("/opt/lib/libgrid.so.2.1", library()); },
        [](ElfIndexBuilder& b) { b.add_file("/usr/bin/grid", program()); },
        [](ElfIndexBuilder& b) { b.add_file("/usr/bin/other", program()); },
        [](ElfIndexBuilder& b) { b.add_link("/lib", "/opt/lib"); },
        [](ElfIndexBuilder& b) { b.add_link("/usr/lib", "../lib"); },
        [](ElfIndexBuilder& b) { b.add_script("/usr/bin/grid.py", "/usr/bin/python3"); },
    };
    std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
    std::string first;
    do {
        ElfIndexBuilder builder;
        for (const std::size_t i : order) {
            facts[i](builder);
        }
        const std::string bytes = std::move(builder).finish();
        first = first.empty() ? bytes : first;
        REQUIRE(bytes == first);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a file that a later layer replaces leaves nothing behind") {
    ElfIndexBuilder once;
    once.add_file("/a", program());
    ElfIndexBuilder twice;
    twice.add_file("/a", library());
    twice.add_file("/a", program());
    CHECK(std::move(once).finish() == std::move(twice).finish());
}

TEST_CASE("an empty root has an index, too") {
    const std::string bytes = ElfIndexBuilder().finish();
    const ElfIndex index = open(bytes);
    CHECK(index.size() == 0);
    CHECK_FALSE(index.find("/a"));
    ask(index);
}

TEST_CASE("symbolic links are followed as the kernel follows them") {
    ElfIndexBuilder builder;
    builder.add_file("/usr/lib/x86/libz.so.1.2", library());
    builder.add_file("/data/deep/tool", program());
    builder.add_link("/lib", "usr/lib");
    builder.add_link("/usr/lib/x86/libz.so.1", "libz.so.1.2");
    builder.add_link("/usr/lib/libz.so", "../../lib/./x86//libz.so.1");
    builder.add_link("/usr/lib/up", "../../../../usr");  // `..` of the root is the root
    builder.add_link("/opt", "/data/deep");
    builder.add_link("/self", ".");
    const std::string bytes = std::move(builder).finish();
    const ElfIndex index = open(bytes);
    for (const std::string path :
         {"/usr/lib/x86/libz.so.1.2", "/lib/x86/libz.so.1", "/lib/libz.so", "/usr/lib/libz.so",
          "//lib/./x86/../libz.so", "/usr/lib/up/lib/libz.so"}) {
        INFO(path);
        CHECK(index.resolve(path) == "/usr/lib/x86/libz.so.1.2");
        CHECK(index.find(path));
    }
    CHECK(index.resolve("/opt/tool") == "/data/deep/tool");
    CHECK(index.resolve("/opt/../deep/tool") == "/data/deep/tool");  // not /deep/tool
    CHECK(index.resolve("/nowhere/a") == "/nowhere/a");
    CHECK(index.resolve("/") == "/");
    CHECK(index.resolve("") == "/");
    CHECK_FALSE(index.find("/usr/lib/x86"));
}

TEST_CASE("links that loop lead nowhere") {
    ElfIndexBuilder builder;
    builder.add_file("/a/b/tool", program());
    builder.add_link("/one", "/two");
    builder.add_link("/two", "one");
    builder.add_link("/me", "me");
    builder.add_link("/a/round", "../a/round/b");
    std::string path = "/chain0";
    for (int i = 0; i < 50; ++i) {
        const std::string next = "/chain" + std::to_string(i + 1);
        builder.add_link(path, i == 49 ? "/a/b" : next);
        path = next;
    }
    const std::string bytes = std::move(builder).finish();
    const ElfIndex index = open(bytes);
    CHECK_FALSE(index.find("/one"));
    CHECK_FALSE(index.find("/me/tool"));
    CHECK_FALSE(index.find("/a/round/tool"));
    CHECK(index.find("/chain10/tool"));       // forty
    CHECK_FALSE(index.find("/chain9/tool"));  // more than the kernel follows
}

TEST_CASE("links to directories that hold nothing but links are kept, and no others") {
    ElfIndexBuilder builder;
    builder.add_file("/opt/real/libz.so.1", library());
    builder.add_script("/opt/scripts/tool", "/bin/sh");
    builder.add_link("/farm/libz.so.1", "/opt/real/libz.so.1");
    builder.add_link("/views/current", "/farm");
    builder.add_link("/v", "/views");
    builder.add_link("/s", "/opt/scripts");
    builder.add_link("/root", "/");
    std::string without = "unchanged";
    {
        ElfIndexBuilder copy = builder;
        without = std::move(copy).finish();
    }
    builder.add_link("/usr/share/doc", "/usr/share/docs");
    builder.add_link("/usr/share/x", "/opt/rea");  // no directory of that name
    const std::string bytes = std::move(builder).finish();
    CHECK(bytes == without);
    const ElfIndex index = open(bytes);
    CHECK(index.find("/v/current/libz.so.1"));
    CHECK(index.find("/root/v/current/libz.so.1"));
    CHECK(index.script_interpreter("/s/tool") == "/bin/sh");
}

TEST_CASE("a script's interpreter is found by any path to it") {
    ElfIndexBuilder builder = small();
    builder.add_link("/usr/local/bin/g", "../../bin/grid.py");
    for (int i = 0; i < 100; ++i) {
        builder.add_script("/usr/bin/s" + std::to_string(i), "/bin/i" + std::to_string(i));
    }
    const std::string bytes = std::move(builder).finish();
    const ElfIndex index = open(bytes);
    CHECK(index.script_interpreter("/usr/bin/grid.py") == "/usr/bin/python3");
    CHECK(index.script_interpreter("/usr/local/bin/g") == "/usr/bin/python3");
    CHECK(index.script_interpreter("/usr/bin/grid").empty());
    CHECK(index.script_interpreter("/usr/bin").empty());
    for (int i = 0; i < 100; ++i) {
        CHECK(index.script_interpreter("/usr/bin/s" + std::to_string(i)) ==
              "/bin/i" + std::to_string(i));
    }
}

TEST_CASE("a second index is asked behind the first, with numbers of its own") {
    const std::string first = small().finish();
    ElfIndexBuilder builder;
    builder.add_file("/work/run", program());
    builder.add_file("/work/lib/libgrid.so.2", library());
    builder.add_script("/work/run.sh", "/bin/sh");
    const std::string second = std::move(builder).finish();
    ElfIndex index = open(first);
    index.append(open(second));
    CHECK(index.size() == 4);
    const auto file = index.find("/work/lib/libgrid.so.2");
    REQUIRE(file);
    CHECK(file->id == 2);
    CHECK(index.file(2).id == 2);
    CHECK(index.file(2).path == "/work/lib/libgrid.so.2");
    CHECK(index.file(3).path == "/work/run");
    CHECK(paths(index.with_soname("libgrid.so.2")) ==
          std::vector<std::string>{"/opt/lib/libgrid.so.2.1", "/work/lib/libgrid.so.2"});
    CHECK(index.with_soname("libgrid.so.2")[1].id == 2);
    CHECK(index.users("libgrid.so.2") == std::vector<std::uint32_t>{1, 3});
    CHECK(index.script_interpreter("/work/run.sh") == "/bin/sh");
    CHECK(index.script_interpreter("/usr/bin/grid.py") == "/usr/bin/python3");
    CHECK(index.needed(2) == index.needed(0));
    CHECK(index.version_definitions(2) == index.version_definitions(0));
    CHECK(index.version_needs(2).size() == 2);
    CHECK(index.imports(2).size() == 3);
    CHECK(index.copies(3).size() == 1);
    CHECK(index.exports(2, "grid_open", "GRID_1"));
    CHECK(index.object_bytes(2, "grid_table", "") == 4096);
    CHECK(index.file(99).path.empty());
    ask(index);
}

TEST_CASE("what is no index of this version is refused") {
    const std::string good = small().finish();
    for (const std::string& bytes :
         {std::string(), std::string("LadElfIx"), std::string(4096, 'x'), std::string("\177ELF"),
          std::string("LadElfIx\0\0\0\0", 12), good.substr(0, 40)}) {
        const auto index = ElfIndex::open(bytes);
        REQUIRE_FALSE(index);
        CHECK(index.error().code == Code::bad_image);
    }
}

TEST_CASE("an index cut short anywhere, or with any byte changed, is read within its bounds") {
    const std::string good = small().finish();
    for (std::size_t length = 0; length < good.size(); ++length) {
        // A copy of exactly this size, so that the sanitizer sees a read beyond it.
        const std::vector<char> part(good.begin(),
                                     good.begin() + static_cast<std::ptrdiff_t>(length));
        if (const auto index = ElfIndex::open({part.data(), part.size()})) {
            ask(*index);
        }
    }
    std::vector<char> changed(good.begin(), good.end());
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff, good[at] + 1, good[at] + 4}) {
            changed[at] = static_cast<char>(value);
            if (const auto index = ElfIndex::open({changed.data(), changed.size()})) {
                ask(*index);
            }
        }
        changed[at] = good[at];
    }
    for_each_mutation(good, 2000, [](const std::string& text) {
        const std::vector<char> bytes(text.begin(), text.end());
        if (const auto index = ElfIndex::open({bytes.data(), bytes.size()})) {
            ask(*index);
        }
    });
    SUCCEED();
}

TEST_CASE("files whose lists lie over each other are refused: they would cost a square") {
    std::string bytes = small().finish();
    const auto put = [&](std::size_t at, std::uint32_t value) {
        for (unsigned i = 0; i < 4; ++i) {
            bytes[at + i] = static_cast<char>(value >> 8 * i);
        }
    };
    const auto number = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < 4; ++i) {
            value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << 8 * i;
        }
        return value;
    };
    const std::size_t files = number(16 + 8);
    constexpr std::size_t kNeededList = 8 * 4;
    constexpr std::size_t kRecord = (8 + 2 * 7) * 4;
    for (const std::size_t file : {std::size_t{0}, std::size_t{1}}) {
        put(files + file * kRecord + kNeededList, 0);
        put(files + file * kRecord + kNeededList + 4,
            static_cast<std::uint32_t>(bytes.size() / 4 * 2 / 3));
    }
    CHECK_FALSE(ElfIndex::open(bytes));
}

TEST_CASE("a path without end is given up, at no cost") {
    ElfIndexBuilder builder = small();
    std::string path;
    for (int i = 0; i < 500'000; ++i) {
        path += "/a";
    }
    builder.add_link("/deep", path);
    builder.add_link("/deep/still", "/deep" + path);
    const std::string bytes = std::move(builder).finish();
    const auto start = std::chrono::steady_clock::now();
    CHECK(open(bytes).resolve(path).empty());
    CHECK(open(bytes).resolve("/deep").size() < 8192);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
}

TEST_CASE("a link's target is joined to its directory, without looking at links") {
    CHECK(join_link("/usr/lib/libz.so", "libz.so.1") == "/usr/lib/libz.so.1");
    CHECK(join_link("/usr/lib/libz.so", "../lib64/./libz.so.1") == "/usr/lib64/libz.so.1");
    CHECK(join_link("/usr/lib/libz.so", "/opt//z") == "/opt/z");
    CHECK(join_link("/a", "../../..") == "/");
    CHECK(join_link("/", "a/") == "/a");
}
