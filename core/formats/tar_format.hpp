// SPDX-License-Identifier: BSD-3-Clause
/// Tar archives as POSIX.1-2017 pax writes them: what lading writes itself, and the headers of
/// archives of images, whose members it reads in place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/formats/layer_entry.hpp"
#include "lading/result.hpp"

namespace lading::formats {

inline constexpr std::size_t kTarBlock = 512;

/// The header blocks of an entry; its content, padded with NUL to whole blocks, follows.  Ends an
/// archive: two blocks of NUL.
std::string format_tar_entry(const LayerEntry& entry);

/// Bytes of NUL that follow `size` bytes of content.
inline std::size_t tar_padding(std::uint64_t size) {
    return static_cast<std::size_t>((kTarBlock - size % kTarBlock) % kTarBlock);
}

/// One header block.
struct TarHeader {
    std::string name;
    std::string link;
    char type = '0';
    std::uint64_t size = 0;
};

/// Is this block all NUL, the archive's end?
bool is_tar_end(std::string_view block);

/// Code::bad_image where the checksum or a number is wrong.
Result<TarHeader> parse_tar_header(std::string_view block);

/// The values of `path`, `linkpath` and `size` in a pax header's records overwrite those of the
/// header that follows it.
Result<> apply_pax_records(std::string_view records, TarHeader& header);

}  // namespace lading::formats
