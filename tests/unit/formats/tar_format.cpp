// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/tar_format.hpp"

#include "catch.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

LayerEntry file(std::string path, std::uint64_t size = 0) {
    LayerEntry entry;
    entry.path = std::move(path);
    entry.mode = 0644;
    entry.size = size;
    return entry;
}

/// Reads one entry back as an archive's index would.
TarHeader read_back(const std::string& blocks) {
    auto header = parse_tar_header(blocks.substr(0, kTarBlock));
    REQUIRE(header);
    if (header->type != 'x') {
        CHECK(blocks.size() == kTarBlock);
        return *header;
    }
    const std::size_t next = kTarBlock + header->size + tar_padding(header->size);
    auto inner = parse_tar_header(blocks.substr(next, kTarBlock));
    REQUIRE(inner);
    REQUIRE(apply_pax_records(blocks.substr(kTarBlock, header->size), *inner));
    CHECK(blocks.size() == next + kTarBlock);
    return *inner;
}

}  // namespace

TEST_CASE("tar headers come back as they were written") {
    const TarHeader header = read_back(format_tar_entry(file("usr/bin/env", 1234)));
    CHECK(header.name == "usr/bin/env");
    CHECK(header.size == 1234);
    CHECK(header.type == '0');
}

TEST_CASE("long names and large files are kept in pax records") {
    const std::string path = std::string(200, 'a') + "/" + std::string(200, 'b');
    CHECK(read_back(format_tar_entry(file(path, 1ULL << 40))).name == path);
    CHECK(read_back(format_tar_entry(file(path, 1ULL << 40))).size == 1ULL << 40);
    LayerEntry link = file("l");
    link.type = EntryType::symlink;
    link.link = std::string(3000, 'x');
    CHECK(read_back(format_tar_entry(link)).link == link.link);
    CHECK(read_back(format_tar_entry(file(std::string(100, 'a')))).name == std::string(100, 'a'));
}

TEST_CASE("a record whose length gains a digit by its own digits is counted rightly") {
    for (std::size_t length = 101; length < 1100; ++length) {
        CHECK(read_back(format_tar_entry(file(std::string(length, 'n')))).name.size() == length);
    }
}

TEST_CASE("times that squashfs cannot hold are clamped") {
    LayerEntry old = file("f");
    old.mtime = -5;
    CHECK(format_tar_entry(old).substr(136, 11) == "00000000000");
}

TEST_CASE("GNU's binary numbers are read") {
    std::string block = format_tar_entry(file("f", 5));
    block[124] = static_cast<char>(0x80);
    for (std::size_t i = 125; i < 136; ++i) {
        block[i] = 0;
    }
    block[130] = 1;  // 2^40
    unsigned sum = 0;
    for (std::size_t i = 0; i < kTarBlock; ++i) {
        sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(block[i]);
    }
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    block.replace(148, 6, text);
    const auto header = parse_tar_header(block);
    REQUIRE(header);
    CHECK(header->size == 1ULL << 40);
}

TEST_CASE("a damaged header is refused at any byte") {
    const std::string good = format_tar_entry(file("usr/bin/env", 1234));
    for (std::size_t at = 0; at < kTarBlock; ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x55);
        if (at < 148 || at >= 156) {
            CHECK_FALSE(parse_tar_header(bad));
        } else {
            (void)parse_tar_header(bad);
        }
    }
    for (std::size_t length = 0; length < kTarBlock; ++length) {
        CHECK_FALSE(parse_tar_header(good.substr(0, length)));
    }
    CHECK(is_tar_end(std::string(kTarBlock, '\0')));
    CHECK_FALSE(is_tar_end(std::string(kTarBlock - 1, '\0')));
}

TEST_CASE("damaged pax records are refused, whatever their lengths claim") {
    TarHeader header;
    CHECK(apply_pax_records("", header));
    CHECK(apply_pax_records("12 path=abc\n", header));
    CHECK(header.name == "abc");
    for (const char* bad : {"99 path=abc\n", "0 path=abc\n", "3 p", "12 path=abcd", "-1 path=a\n",
                            "99999999999999999999 path=a\n", "path=a\n", "9 patha\n", "10 size=x\n",
                            "11 size=-1\n"}) {
        CHECK_FALSE(apply_pax_records(bad, header));
    }
}
