// SPDX-License-Identifier: BSD-3-Clause
/// SIF, the file format of Singularity and Apptainer: a header, a table of descriptors, and the
/// objects that they describe, one of which is the image's root as a squashfs.  The layout is that
/// of version 01, as github.com/apptainer/sif writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lading/image.hpp"
#include "lading/result.hpp"

namespace lading::formats {

inline constexpr std::size_t kSifHeaderBytes = 128;

/// Bytes of a file.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    bool operator==(const Extent&) const = default;
};

/// Does the extent lie within a file of `file_bytes` bytes?
bool lies_within(const Extent& extent, std::uint64_t file_bytes);

/// Does the file begin as a SIF does?
bool looks_like_sif(std::string_view start);

/// Where the descriptors are.  `start` is the file's first kSifHeaderBytes, `name` for messages.
/// The table is bounded, and lies within the file.
Result<Extent> parse_sif_header(std::string_view start, std::uint64_t file_bytes,
                                std::string_view name);

/// What of a SIF matters to lading.  All extents lie within the file and outside of each other.
struct SifContents {
    Extent system;             ///< the primary system partition, which is to be a squashfs
    std::string architecture;  ///< GOARCH value; empty where it is none that SIF knows
    std::optional<Extent> definition;
    std::optional<Extent> labels;    ///< JSON: an object of labels (Singularity)
    std::optional<Extent> metadata;  ///< JSON: what `inspect` shows, with the labels (Apptainer)
    std::optional<Extent> oci;       ///< JSON: of an image that was built from an OCI one
    bool operator==(const SifContents&) const = default;
};

/// Reads the descriptors, the file's bytes at `place`.  Code::bad_image for a damaged table, and
/// for a system partition that is encrypted or of another file system.
Result<SifContents> parse_sif_table(const Extent& place, std::string_view bytes,
                                    std::uint64_t file_bytes, std::string_view name);

/// What the three JSON objects say, added to what `config` has: labels; those and the definition
/// file; environment, working directory and so on.
Result<> add_sif_labels(std::string_view json, ImageConfig& config);
Result<> add_sif_metadata(std::string_view json, ImageConfig& config);
Result<> add_sif_oci(std::string_view json, ImageConfig& config);

/// The largest definition file and JSON object that are read.
inline constexpr std::uint64_t kMaxSifTextBytes = 1U << 20;

}  // namespace lading::formats
