// SPDX-License-Identifier: BSD-3-Clause
/// The superblock of a squashfs file (kernel: fs/squashfs/squashfs_fs.h, version 4.0).
#pragma once

#include <cstdint>
#include <string_view>

#include "lading/result.hpp"

namespace lading::formats {

inline constexpr std::size_t kSquashfsHeaderBytes = 96;
inline constexpr std::string_view kSquashfsMagic = "hsqs";

struct SquashfsHeader {
    std::uint32_t inodes = 0;
    std::uint32_t block_size = 0;
    std::string_view compressor;  ///< `gzip`, `lzma`, `lzo`, `xz`, `lz4`, `zstd`
    std::uint64_t bytes_used = 0;
    bool operator==(const SquashfsHeader&) const = default;
};

/// Does the file begin as a squashfs does?
bool looks_like_squashfs(std::string_view start);

/// Reads the first bytes of a file of `file_bytes` bytes; `name` is for the message.
/// Code::bad_image for what is no squashfs 4.0, and for a file that was cut short.
Result<SquashfsHeader> parse_squashfs_header(std::string_view start, std::uint64_t file_bytes,
                                             std::string_view name);

}  // namespace lading::formats
