// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_libc.hpp"

#include <elf.h>

#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "core/formats/script.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

/// Writes a shared object that has nothing but version definitions, in either class and byte order.
class ElfWriter {
  public:
    ElfWriter(bool wide, bool big_endian, std::uint16_t machine)
        : wide_(wide), big_endian_(big_endian), machine_(machine) {}

    std::string library(const std::vector<std::string>& versions) {
        bytes_.assign(kTables, '\0');
        std::string strings(1, '\0');
        std::vector<std::size_t> names;
        for (const std::string& version : versions) {
            names.push_back(strings.size());
            strings += version + '\0';
        }
        const std::size_t definitions = bytes_.size();
        for (std::size_t i = 0; i < versions.size(); ++i) {
            const std::size_t at = bytes_.size();
            bytes_.append(28, '\0');
            put(at + offsetof(Elf64_Verdef, vd_aux), 20, 4);
            put(at + offsetof(Elf64_Verdef, vd_next), i + 1 < versions.size() ? 28 : 0, 4);
            put(at + 20, names[i], 4);
        }
        const std::size_t text = bytes_.size();
        bytes_ += strings;
        const std::size_t dynamic = bytes_.size();
        tag(DT_STRTAB, kBase + text);
        tag(DT_STRSZ, strings.size());
        tag(DT_VERDEF, kBase + definitions);
        tag(DT_VERDEFNUM, versions.size());
        tag(DT_NULL, 0);
        header(dynamic);
        return bytes_;
    }

  private:
    static constexpr std::size_t kTables = 512;
    static constexpr std::uint64_t kBase = 0x10000;

    void put(std::size_t offset, std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t shift = 8 * (big_endian_ ? size - 1 - i : i);
            bytes_[offset + i] = static_cast<char>(value >> shift & 0xff);
        }
    }

    void tag(std::uint64_t name, std::uint64_t value) {
        const std::size_t at = bytes_.size();
        const std::size_t word = wide_ ? 8 : 4;
        bytes_.append(2 * word, '\0');
        put(at, name, word);
        put(at + word, value, word);
    }

    void segment(std::size_t at, std::uint32_t type, std::uint64_t offset, std::uint64_t size) {
        put(at, type, 4);
        if (wide_) {
            put(at + offsetof(Elf64_Phdr, p_offset), offset, 8);
            put(at + offsetof(Elf64_Phdr, p_vaddr), kBase + offset, 8);
            put(at + offsetof(Elf64_Phdr, p_filesz), size, 8);
        } else {
            put(at + offsetof(Elf32_Phdr, p_offset), offset, 4);
            put(at + offsetof(Elf32_Phdr, p_vaddr), kBase + offset, 4);
            put(at + offsetof(Elf32_Phdr, p_filesz), size, 4);
        }
    }

    void header(std::size_t dynamic) {
        bytes_.replace(0, 4, ELFMAG);
        bytes_[EI_CLASS] = wide_ ? ELFCLASS64 : ELFCLASS32;
        bytes_[EI_DATA] = big_endian_ ? ELFDATA2MSB : ELFDATA2LSB;
        put(offsetof(Elf64_Ehdr, e_machine), machine_, 2);
        constexpr std::size_t kSegments = 128;
        put(wide_ ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff), kSegments,
            wide_ ? 8 : 4);
        put(wide_ ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum), 2, 2);
        segment(kSegments, PT_LOAD, 0, bytes_.size());
        segment(kSegments + (wide_ ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)), PT_DYNAMIC, dynamic,
                bytes_.size() - dynamic);
    }

    bool wide_;
    bool big_endian_;
    std::uint16_t machine_;
    std::string bytes_;
};

const std::vector<std::string> kVersions = {"libc.so.6",  "GLIBC_2.2.5", "GLIBC_2.9",
                                            "GLIBC_2.36", "GLIBC_2.4",   "GLIBC_PRIVATE"};

}  // namespace

TEST_CASE("the glibc version is the highest that libc.so.6 defines, counted as numbers") {
    for (const bool wide : {true, false}) {
        for (const bool big : {true, false}) {
            CHECK(parse_glibc_version(ElfWriter(wide, big, EM_X86_64).library(kVersions)) ==
                  "2.36");
        }
    }
    CHECK(parse_glibc_version(
              ElfWriter(true, false, EM_X86_64).library({"GLIBC_2.3", "GLIBC_2.3.4"})) == "2.3.4");
}

TEST_CASE("the machine is told in the words of images") {
    const auto machine = [](bool wide, bool big, std::uint16_t number) {
        return elf_architecture(ElfWriter(wide, big, number).library({}).substr(0, 64));
    };
    CHECK(machine(true, false, EM_X86_64) == "amd64");
    CHECK(machine(true, false, EM_AARCH64) == "arm64");
    CHECK(machine(true, false, EM_PPC64) == "ppc64le");
    CHECK(machine(true, true, EM_S390) == "s390x");
    CHECK(machine(true, false, EM_RISCV) == "riscv64");
    CHECK(machine(false, false, EM_386) == "386");
    CHECK(machine(false, false, EM_X86_64).empty());  // the x32 ABI has no name
    CHECK(elf_architecture("#!/bin/sh\n").empty());
    CHECK(elf_architecture("").empty());
}

TEST_CASE("what is no libc is refused") {
    for (const std::string& bytes :
         {std::string(), std::string("\177ELF"), std::string(4096, 'x'),
          ElfWriter(true, false, EM_X86_64).library({}),
          ElfWriter(true, false, EM_X86_64).library({"OPENSSL_3.0.0", "GLIBC_", "GLIBC_x"})}) {
        const auto version = parse_glibc_version(bytes);
        REQUIRE_FALSE(version);
        CHECK(version.error().code == Code::bad_image);
    }
}

TEST_CASE("a libc cut short anywhere, or with any byte changed, is read within its bounds") {
    const std::string good = ElfWriter(true, false, EM_X86_64).library(kVersions);
    for (std::size_t length = 0; length < good.size(); ++length) {
        // A copy of exactly this size, so that the sanitizer sees a read beyond it.
        const std::vector<char> part(good.begin(),
                                     good.begin() + static_cast<std::ptrdiff_t>(length));
        (void)parse_glibc_version({part.data(), part.size()});
        (void)elf_architecture({part.data(), part.size()});
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
            std::vector<char> changed(good.begin(), good.end());
            changed[at] = static_cast<char>(value);
            (void)parse_glibc_version({changed.data(), changed.size()});
        }
    }
    SUCCEED();
}

TEST_CASE("definitions that point at each other end") {
    std::string loop = ElfWriter(true, false, EM_X86_64).library({"GLIBC_2.1", "GLIBC_2.2"});
    // vd_next of the second definition: back by wrapping 32 bits, which must not be believed.
    loop[512 + 28 + 16] = static_cast<char>(-28);
    loop[512 + 28 + 17] = loop[512 + 28 + 18] = loop[512 + 28 + 19] = static_cast<char>(-1);
    CHECK(parse_glibc_version(loop) == "2.2");
}

TEST_CASE("the libc is looked for where a root keeps its own, not its cross compilers'") {
    for (const char* path :
         {"lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/libc.so.6", "lib64/libc.so.6",
          "usr/lib64/libc.so.6", "usr/lib/libc.so.6", "lib/x86_64-linux-gnu/libc-2.31.so"}) {
        CHECK(libc_file(path) == LibcFile::glibc);
    }
    CHECK(libc_file("lib/ld-musl-x86_64.so.1") == LibcFile::musl);
    for (const char* path :
         {"usr/aarch64-linux-gnu/lib/libc.so.6", "opt/conda/lib/libc.so.6", "libc.so.6",
          "usr/lib/x86_64-linux-gnu/deeper/libc.so.6", "snap/core/lib/libc.so.6",
          "usr/lib/debug/libc.so.6", "lib/libc.so", ""}) {
        CHECK(libc_file(path) == LibcFile::none);
    }
}

TEST_CASE("a program's loader is named in its first bytes") {
    std::string head(4096, '\0');
    std::ifstream("/proc/self/exe", std::ios::binary).read(head.data(), 4096);
    CHECK(elf_interpreter(head).find("/lib") == 0);
    for (std::size_t size = 0; size < 1024; ++size) {
        (void)elf_interpreter(head.substr(0, size));
    }
    CHECK(elf_interpreter("#!/bin/sh\n").empty());
    CHECK(elf_interpreter("").empty());
}

TEST_CASE("what env looks up for a script is taken from its usual place") {
    CHECK(script_program("#!/usr/bin/env python3\n") == "/usr/bin/python3");
    CHECK(script_program("#!/usr/bin/env -S LC_ALL=C perl -w\n") == "/usr/bin/perl");
    CHECK(script_program("#!/usr/bin/env /opt/bin/julia\n") == "/opt/bin/julia");
    CHECK(script_program("#!/usr/bin/env\npython3\n") == "/usr/bin/env");
    CHECK(script_program("#!/bin/sh -e\n") == "/bin/sh");
    CHECK(script_program("no script").empty());
}

TEST_CASE("a script's interpreter is the first word of its first line") {
    CHECK(script_interpreter("#!/bin/sh\nexit\n") == "/bin/sh");
    CHECK(script_interpreter("#! \t/usr/bin/env python3\n") == "/usr/bin/env");
    CHECK(script_interpreter("#!/bin/sh") == "/bin/sh");
    CHECK(script_interpreter("#!  ").empty());
    CHECK(script_interpreter("echo #!/bin/sh").empty());
}
