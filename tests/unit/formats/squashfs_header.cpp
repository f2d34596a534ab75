// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/squashfs_header.hpp"

#include <string>

#include "catch.hpp"
#include "contains.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

void put(std::string& bytes, std::size_t offset, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        bytes[offset + i] = static_cast<char>(value >> (8 * i) & 0xff);
    }
}

/// As mksquashfs writes it for a zstd image of 4096 bytes.
std::string example() {
    std::string bytes(kSquashfsHeaderBytes, '\0');
    bytes.replace(0, 4, "hsqs");
    put(bytes, 4, 17, 4);       // inodes
    put(bytes, 12, 131072, 4);  // block size
    put(bytes, 20, 6, 2);       // zstd
    put(bytes, 22, 17, 2);      // block log
    put(bytes, 28, 4, 2);       // major
    put(bytes, 40, 4000, 8);    // bytes used
    return bytes;
}

std::string what_of(const std::string& bytes, std::uint64_t size = 4096) {
    const auto header = parse_squashfs_header(bytes, size, "image.sqsh");
    REQUIRE_FALSE(header);
    CHECK(header.error().code == Code::bad_image);
    return header.error().what;
}

std::string with(std::size_t offset, std::uint64_t value, std::size_t size) {
    std::string bytes = example();
    put(bytes, offset, value, size);
    return bytes;
}

}  // namespace

TEST_CASE("a squashfs file's header is read") {
    const auto header = parse_squashfs_header(example(), 4096, "image.sqsh");
    REQUIRE(header);
    CHECK(*header == SquashfsHeader{17, 131072, "zstd", 4000});
}

TEST_CASE("a file that was cut short says how much of it is there") {
    CHECK(what_of(example(), 3999) == "image.sqsh is cut short: it has 3999 of 4000 bytes");
    for (std::size_t length = 4; length < kSquashfsHeaderBytes; ++length) {
        CHECK(contains(what_of(example().substr(0, length)), "ends within"));
    }
    for (std::size_t length = 0; length < 4; ++length) {
        CHECK(contains(what_of(example().substr(0, length)), "not a squashfs file"));
    }
}

TEST_CASE("what is no squashfs of this kernel's version is refused with the reason") {
    CHECK(contains(what_of("sqsh" + example().substr(4)), "not a squashfs file"));
    CHECK(contains(what_of(with(28, 3, 2)), "version 3.0"));
    CHECK(contains(what_of(with(20, 0, 2)), "damaged"));
    CHECK(contains(what_of(with(20, 7, 2)), "damaged"));
    CHECK(contains(what_of(with(12, 131073, 4)), "damaged"));
    CHECK(contains(what_of(with(12, 0, 4)), "damaged"));
    CHECK(contains(what_of(with(22, 65535, 2)), "damaged"));
    CHECK(contains(what_of(with(4, 0, 4)), "damaged"));
    CHECK(contains(what_of(with(40, 0, 8)), "damaged"));
    CHECK(contains(what_of(with(40, UINT64_MAX, 8)), "cut short"));
}

TEST_CASE("no byte of a header, whatever its value, does more than be refused") {
    for (std::size_t at = 0; at < kSquashfsHeaderBytes; ++at) {
        for (unsigned value = 0; value < 256; ++value) {
            std::string bytes = example();
            bytes[at] = static_cast<char>(value);
            const auto header = parse_squashfs_header(bytes, 4096, "x");
            if (header) {
                CHECK(header->bytes_used <= 4096);
            }
        }
    }
}
