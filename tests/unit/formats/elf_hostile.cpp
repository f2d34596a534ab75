// SPDX-License-Identifier: BSD-3-Clause
// ELF files that were made to harm their reader.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "core/formats/elf_file.hpp"
#include "formats/elf_builder.hpp"
#include "mutation.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

/// Overwrites a field of a little-endian file.
void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
    }
}

}  // namespace

TEST_CASE("a file cut short anywhere, or with any byte changed, is read within its bounds") {
    for (ElfBuilder builder : {library(), program()}) {
        for (const bool wide : {true, false}) {
            builder.wide = wide;
            const std::string good = builder.build();
            for (std::size_t length = 0; length < good.size(); ++length) {
                // A copy of exactly this size, so that the sanitizer sees a read beyond it.
                const std::vector<char> part(good.begin(),
                                             good.begin() + static_cast<std::ptrdiff_t>(length));
                (void)parse_elf_file({part.data(), part.size()});
            }
            std::vector<char> changed(good.begin(), good.end());
            for (std::size_t at = 0; at < good.size(); ++at) {
                for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff, good[at] + 1}) {
                    changed[at] = static_cast<char>(value);
                    (void)parse_elf_file({changed.data(), changed.size()});
                }
                changed[at] = good[at];
            }
            for_each_mutation(good, 2000, [](const std::string& text) {
                const std::vector<char> bytes(text.begin(), text.end());
                (void)parse_elf_file({bytes.data(), bytes.size()});
            });
        }
    }
    SUCCEED();
}

TEST_CASE("symbols that all have the same long name are read until it is too much") {
    // 20,000 names of a megabyte: 20 GB, were each to be read.
    ElfBuilder file = library();
    file.symbols.assign(20000, {.section = kText});
    file.symbols.front().name.assign(1 << 20, 'n');
    std::string bytes = file.build();
    const std::size_t name = bytes.find("nnnn");
    const std::size_t strings = bytes.rfind(std::string("\0libm.so.6", 10), name);
    for (std::size_t i = 1; i <= file.symbols.size(); ++i) {
        put(bytes, ElfBuilder::kTables + i * sizeof(Elf64_Sym), name - strings, 4);
    }
    const auto parsed = parse_elf_file(bytes);
    REQUIRE(parsed);
    CHECK_FALSE(parsed->exports.empty());
    CHECK(parsed->exports.size() < 32);
}

TEST_CASE("chains whose records overlap cost no more than the file's size") {
    // Needed versions that begin every 8 bytes, each with a chain to the end of 4 MB, of names that
    // lie outside of the string table: some 10,000,000,000 steps.
    std::string words;
    for (int i = 0; i < 500000; ++i) {
        words.append("\0\4\0\0\10\0\0\0", 8);
    }
    ElfBuilder file = library();
    file.symbols.push_back({.name = words, .section = kText});
    std::string bytes = file.build();
    const std::uint64_t address = ElfBuilder::kBase + bytes.find(words);
    for (const auto& [tag, value] : {std::pair<std::uint64_t, std::uint64_t>{DT_VERNEED, address},
                                     {DT_VERDEF, address},
                                     {DT_STRSZ, 64}}) {
        std::string entry(8, '\0');
        put(entry, 0, tag, 8);
        const std::size_t at = bytes.rfind(entry);
        REQUIRE(at != std::string::npos);
        put(bytes, at + 8, value, 8);
    }
    const auto start = std::chrono::steady_clock::now();
    CHECK(parse_elf_file(bytes));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("notes that thousands of segments cover are read once") {
    constexpr std::size_t kCount = 30000;
    std::string bytes = ElfBuilder{.type = ET_EXEC, .dynamic = false}.build();
    const std::size_t table = bytes.size();
    bytes.resize(table + kCount * sizeof(Elf64_Phdr) + (1 << 21));  // zeros: notes of nobody
    for (std::size_t i = 0; i < kCount; ++i) {
        const std::size_t at = table + i * sizeof(Elf64_Phdr);
        put(bytes, at, PT_NOTE, 4);
        put(bytes, at + offsetof(Elf64_Phdr, p_offset), bytes.size() - (1 << 21), 8);
        put(bytes, at + offsetof(Elf64_Phdr, p_filesz), 1 << 21, 8);
    }
    put(bytes, offsetof(Elf64_Ehdr, e_phoff), table, 8);
    put(bytes, offsetof(Elf64_Ehdr, e_phnum), kCount, 2);
    const auto start = std::chrono::steady_clock::now();
    CHECK(parse_elf_file(bytes));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}
