// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_file.hpp"

#include <gnu/libc-version.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "catch.hpp"
#include "contains.hpp"
#include "core/formats/elf_libc.hpp"
#include "formats/elf_builder.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

/// The facts in one line; the bytes need not outlive it.
std::string facts(const std::string& bytes) {
    const auto file = parse_elf_file(bytes);
    if (!file) {
        return file.error().what;
    }
    std::string text;
    const auto add = [&](const char* name, std::string_view value) {
        if (!value.empty()) {
            text += std::string(name) + '=' + std::string(value) + ' ';
        }
    };
    for (const std::string_view name : file->needed) {
        add("needed", name);
    }
    for (const ElfVersionNeed& need : file->version_needs) {
        add(need.weak ? "weak" : "need", std::string(need.file) + ':' + std::string(need.version));
    }
    for (const std::string_view name : file->version_definitions) {
        add("defines", name);
    }
    for (const ElfImport& symbol : file->imports) {
        add(symbol.weak ? "wants" : "imports", std::string(symbol.name) + '@' +
                                                   std::string(symbol.version) + '@' +
                                                   std::string(symbol.file));
    }
    for (const ElfExport& symbol : file->exports) {
        add("exports", std::string(symbol.name) + (symbol.default_version ? "@@" : "@") +
                           std::string(symbol.version) + ':' + std::to_string(symbol.bytes));
    }
    for (const ElfCopy& symbol : file->copies) {
        add("copies", std::string(symbol.name) + '@' + std::string(symbol.version) + ':' +
                          std::to_string(symbol.bytes));
    }
    return text;
}

constexpr const char* kLibraryFacts =
    "needed=libm.so.6 needed=libc.so.6 "
    "need=libm.so.6:GLIBC_2.29 need=libc.so.6:GLIBC_2.34 weak=libc.so.6:GLIBC_ABI_DT_RELR "
    "defines=GRID_1 defines=GRID_2 "
    "imports=pow@GLIBC_2.29@libm.so.6 imports=malloc@GLIBC_2.34@libc.so.6 imports=plain@@ "
    "imports=unversioned@@ wants=__gmon_start__@@ "
    "exports=grid_open@@GRID_2:40 exports=grid_open@GRID_1:24 exports=grid_table@@GRID_1:4096 "
    "exports=grid_everywhere@@:0 ";

std::string read_file(const std::string& path) {
    // At once: byte by byte a sanitizer takes a minute for a program of its own size.
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::string bytes(file ? static_cast<std::size_t>(file.tellg()) : 0, '\0');
    file.seekg(0);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

/// The C library that this very test runs with.
std::string libc_path() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        const std::size_t slash = line.find('/');
        if (slash != std::string::npos && libc_file(line.substr(slash + 1)) == LibcFile::glibc) {
            return line.substr(slash);
        }
    }
    return {};
}

}  // namespace

TEST_CASE("a library's names, versions and symbols are read in every class and byte order") {
    for (const bool wide : {true, false}) {
        for (const bool big : {true, false}) {
            for (const auto hash : {ElfBuilder::Hash::gnu, ElfBuilder::Hash::sysv}) {
                ElfBuilder builder = library();
                builder.wide = wide;
                builder.big_endian = big;
                builder.hash = hash;
                const std::string bytes = builder.build();
                CHECK(facts(bytes) == kLibraryFacts);
                const auto file = parse_elf_file(bytes);
                REQUIRE(file);
                CHECK(file->kind == ElfFile::Kind::library);
                CHECK(file->architecture == (wide && !big ? "amd64" : ""));
                CHECK(file->soname == "libgrid.so.2");
                CHECK(file->runpath == "$ORIGIN/../lib:/opt/grid");
                CHECK(file->rpath.empty());
                CHECK(file->interpreter.empty());
                CHECK(file->dynamic);
                CHECK_FALSE(file->no_default_directories);
                CHECK(file->build_id == "01abff");
                CHECK(file->isa_level == 3);
            }
        }
    }
}

TEST_CASE("s390x has a symbol hash of 64-bit entries") {
    ElfBuilder builder = library();
    builder.machine = EM_S390;
    builder.big_endian = true;
    builder.hash = ElfBuilder::Hash::sysv;
    CHECK(facts(builder.build()) == kLibraryFacts);
}

TEST_CASE("a program is told from a library, whether or not it is position independent") {
    const auto kind = [](const ElfBuilder& builder) {
        const std::string bytes = builder.build();
        return parse_elf_file(bytes)->kind;
    };
    ElfBuilder file;
    CHECK(kind(file) == ElfFile::Kind::library);
    file.soname = "libc.so.6";
    file.interpreter = "/lib64/ld-linux-x86-64.so.2";
    CHECK(kind(file) == ElfFile::Kind::library);
    file.soname.clear();
    CHECK(kind(file) == ElfFile::Kind::program);
    file.interpreter.clear();
    file.flags_1 = DF_1_PIE;
    CHECK(kind(file) == ElfFile::Kind::program);
    file = {.type = ET_EXEC, .dynamic = false};
    CHECK(kind(file) == ElfFile::Kind::program);
    const std::string fixed = file.build();
    CHECK_FALSE(parse_elf_file(fixed)->dynamic);
    for (const int other : {ET_REL, ET_CORE, ET_NONE}) {
        file.type = static_cast<std::uint16_t>(other);
        CHECK(kind(file) == ElfFile::Kind::other);
    }
}

TEST_CASE("what a program copies of a library has the library's version and the program's size") {
    const std::string bytes = program().build();
    CHECK(facts(bytes) ==
          "needed=libc.so.6 need=libc.so.6:GLIBC_2.2.5 imports=puts@GLIBC_2.2.5@libc.so.6 "
          "exports=stdout@@GLIBC_2.2.5:8 copies=stdout@GLIBC_2.2.5:8 ");
    const auto file = parse_elf_file(bytes);
    CHECK(file->no_default_directories);
    CHECK(file->rpath == "/opt/lib");
    CHECK(file->interpreter == "/lib64/ld-linux-x86-64.so.2");

    ElfBuilder arm = program();
    arm.machine = EM_AARCH64;
    arm.relocations = {{2, R_AARCH64_COPY}, {1, R_X86_64_COPY}};
    CHECK(contains(facts(arm.build()), "copies=stdout@GLIBC_2.2.5:8 "));
    CHECK_FALSE(contains(facts(arm.build()), "copies=puts"));

    ElfBuilder unknown = program();
    unknown.machine = EM_ALPHA;
    CHECK_FALSE(contains(facts(unknown.build()), "copies="));
}

TEST_CASE("data that a library may write to is told from constants and functions") {
    ElfBuilder builder = library();
    builder.symbols = {
        {.name = "state", .section = kText, .type = STT_OBJECT, .value = ElfBuilder::kBase + 8},
        {.name = "function", .section = kText, .value = ElfBuilder::kBase + 8},
        {.name = "per_thread", .section = kText, .type = STT_TLS, .value = ElfBuilder::kBase + 8},
        {.name = "outside", .section = kText, .type = STT_OBJECT, .value = 8}};
    const auto objects = [&] {
        const std::string bytes = builder.build();
        const auto file = parse_elf_file(bytes);
        REQUIRE(file);
        std::string names;
        for (const ElfExport& symbol : file->exports) {
            names += symbol.object ? std::string(symbol.name) + " " : "";
        }
        return names;
    };
    for (const bool wide : {true, false}) {
        builder.wide = wide;
        builder.segment_flags = PF_R | PF_W;
        CHECK(objects() == "state ");
        builder.segment_flags = PF_R | PF_X;
        CHECK(objects().empty());
    }
}

TEST_CASE("the imports of a program that exports nothing are found by its relocations") {
    ElfBuilder file = program();
    file.symbols.resize(1);
    file.relocations = {{1, R_X86_64_GLOB_DAT}};
    for (const auto hash : {ElfBuilder::Hash::gnu, ElfBuilder::Hash::none}) {
        file.hash = hash;
        CHECK(contains(facts(file.build()), "imports=puts@GLIBC_2.2.5@libc.so.6 "));
    }
}

TEST_CASE("only what the loader could bind to is an export") {
    ElfBuilder file;
    const auto exported = [&](ElfBuilder::Symbol symbol) {
        symbol.name = "symbol";
        symbol.section = symbol.section == SHN_UNDEF ? kText : symbol.section;
        file.symbols = {symbol};
        return contains(facts(file.build()), "exports=symbol");
    };
    CHECK(exported({.binding = STB_GLOBAL}));
    CHECK(exported({.binding = STB_WEAK}));
    CHECK(exported({.binding = STB_GNU_UNIQUE, .type = STT_OBJECT}));
    CHECK(exported({.type = STT_GNU_IFUNC}));
    CHECK(exported({.type = STT_TLS, .value = 0}));
    CHECK(exported({.section = SHN_ABS, .type = STT_OBJECT, .value = 0}));
    CHECK(exported({.visibility = STV_PROTECTED}));
    CHECK_FALSE(exported({.binding = STB_LOCAL}));
    CHECK_FALSE(exported({.type = STT_SECTION}));
    CHECK_FALSE(exported({.type = STT_FILE}));
    CHECK_FALSE(exported({.visibility = STV_HIDDEN}));
    CHECK_FALSE(exported({.visibility = STV_INTERNAL}));
    CHECK_FALSE(exported({.value = 0}));
}

TEST_CASE("a symbol whose version is nowhere explained is left out") {
    ElfBuilder file = library();
    file.symbols[1].version = 9;
    file.symbols[5].version = 9 | kHidden;
    const std::string text = facts(file.build());
    CHECK_FALSE(contains(text, "malloc"));
    CHECK_FALSE(contains(text, "grid_open@@"));
    CHECK(contains(text, "imports=pow@GLIBC_2.29@libm.so.6 "));
}

TEST_CASE("the highest of the instruction set levels that a file needs counts") {
    for (const auto& [bits, level] : {std::pair{0U, 0U}, {1U, 1U}, {3U, 2U}, {15U, 4U}, {8U, 4U}}) {
        ElfBuilder file;
        file.isa_needed = bits;
        const std::string bytes = file.build();
        CHECK(parse_elf_file(bytes)->isa_level == level);
    }
    ElfBuilder file;
    file.machine = EM_AARCH64;
    file.isa_needed = 15;
    const std::string bytes = file.build();
    CHECK(parse_elf_file(bytes)->isa_level == 0);
}

TEST_CASE("what is no ELF file is refused") {
    for (const std::string& bytes :
         {std::string(), std::string("\177ELF"), std::string("#!/bin/sh\n"), std::string(4096, 'x'),
          library().build().substr(0, 63)}) {
        const auto file = parse_elf_file(bytes);
        REQUIRE_FALSE(file);
        CHECK(file.error().code == Code::bad_image);
    }
}

TEST_CASE("this test's own program is read as it runs") {
    const std::string bytes = read_file("/proc/self/exe");
    const auto file = parse_elf_file(bytes);
    REQUIRE(file);
    CHECK(file->kind == ElfFile::Kind::program);
    CHECK(file->architecture == elf_architecture(bytes));
    CHECK(file->interpreter == elf_interpreter(bytes));
    CHECK(std::ranges::count(file->needed, "libc.so.6") == 1);
    CHECK(std::ranges::count(file->imports, "gnu_get_libc_version", &ElfImport::name) == 1);
    for (const ElfImport& import : file->imports) {
        CHECK(import.version.empty() == import.file.empty());
    }
}

TEST_CASE("the C library that runs here is read as the loader reads it") {
    const std::string path = libc_path();
    REQUIRE_FALSE(path.empty());
    const std::string bytes = read_file(path);
    const auto file = parse_elf_file(bytes);
    REQUIRE(file);
    CHECK(file->kind == ElfFile::Kind::library);
    CHECK(file->soname == "libc.so.6");
    const std::string version = gnu_get_libc_version();
    CHECK(parse_glibc_version(bytes) == version);
    CHECK(std::ranges::count(file->version_definitions, "GLIBC_" + version) == 1);
    CHECK(std::ranges::count(file->version_definitions, "libc.so.6") == 0);
    CHECK(file->exports.size() > 2000);
    for (const char* name : {"malloc", "memcpy", "stdout"}) {
        const auto is_default = [&](const ElfExport& symbol) {
            return symbol.name == name && symbol.default_version;
        };
        const auto found = std::ranges::find_if(file->exports, is_default);
        REQUIRE(found != file->exports.end());
        CHECK(std::ranges::count_if(file->exports, is_default) == 1);
        CHECK(found->version.starts_with("GLIBC_2."));
        CHECK((found->name != "stdout" || found->bytes == sizeof(FILE*)));
    }
}
