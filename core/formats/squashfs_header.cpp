// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/squashfs_header.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "core/formats/byte_reader.hpp"

namespace lading::formats {
namespace {

/// By the superblock's compression id, which counts from 1.
constexpr std::array<std::string_view, 6> kCompressors = {"gzip", "lzma", "lzo",
                                                          "xz",   "lz4",  "zstd"};
constexpr std::uint32_t kMinBlock = 4096;
constexpr std::uint32_t kMaxBlock = 1U << 20;

/// Offsets in struct squashfs_super_block.
enum Offset : std::uint64_t {
    kInodes = 4,
    kBlockSize = 12,
    kCompression = 20,
    kBlockLog = 22,
    kMajor = 28,
    kMinor = 30,
    kBytesUsed = 40,
};

}  // namespace

bool looks_like_squashfs(std::string_view start) {
    return start.starts_with(kSquashfsMagic);
}

Result<SquashfsHeader> parse_squashfs_header(std::string_view start, std::uint64_t file_bytes,
                                             std::string_view name) {
    if (!looks_like_squashfs(start)) {
        return fail(Code::bad_image, fmt::format("{} is not a squashfs file", name),
                    "make one with mksquashfs, or give `lading import` what you have");
    }
    if (start.size() < kSquashfsHeaderBytes) {
        return fail(
            Code::bad_image,
            fmt::format("{} ends within its squashfs header, after {} bytes", name, start.size()),
            "copy the file again: it was cut short");
    }
    const ByteReader bytes(start);
    const std::uint16_t major = bytes.get<std::uint16_t>(kMajor).value_or(0);
    const std::uint16_t minor = bytes.get<std::uint16_t>(kMinor).value_or(0);
    if (major != 4 || minor != 0) {
        return fail(
            Code::bad_image,
            fmt::format("{} is squashfs version {}.{}; this kernel reads 4.0", name, major, minor));
    }
    SquashfsHeader header;
    header.inodes = bytes.get<std::uint32_t>(kInodes).value_or(0);
    header.block_size = bytes.get<std::uint32_t>(kBlockSize).value_or(0);
    header.bytes_used = bytes.get<std::uint64_t>(kBytesUsed).value_or(0);
    const std::uint16_t compression = bytes.get<std::uint16_t>(kCompression).value_or(0);
    const std::uint16_t block_log = bytes.get<std::uint16_t>(kBlockLog).value_or(0);
    if (compression == 0 || compression > kCompressors.size() ||
        !std::has_single_bit(header.block_size) || header.block_size < kMinBlock ||
        header.block_size > kMaxBlock || header.block_size != 1U << (block_log & 31U) ||
        header.inodes == 0 || header.bytes_used < kSquashfsHeaderBytes) {
        return fail(Code::bad_image, fmt::format("{} has a damaged squashfs header", name),
                    "copy or make the file again");
    }
    header.compressor = kCompressors[compression - 1U];
    if (header.bytes_used > file_bytes) {
        return fail(Code::bad_image,
                    fmt::format("{} is cut short: it has {} of {} bytes", name, file_bytes,
                                header.bytes_used),
                    "copy the file again");
    }
    return header;
}

}  // namespace lading::formats
