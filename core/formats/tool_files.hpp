// SPDX-License-Identifier: BSD-3-Clause
/// What other tools write into an image, or beside it, of the configuration that a squashfs file, a
/// directory or a tar archive has no place for.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "lading/image.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// The files inside the image, by their paths from its root.
inline constexpr std::string_view kToolFiles[] = {
    "ch/environment",                               // Charliecloud
    "ch/metadata.json",                             // likewise
    "etc/environment",                              // enroot, where /etc/rc is its own
    "etc/rc",                                       // likewise
    ".singularity.d/env/10-docker2singularity.sh",  // Apptainer: of a Docker image
    ".singularity.d/env/90-environment.sh",         // Apptainer: %environment
    ".singularity.d/labels.json",                   // Apptainer
};
/// Larger ones are no tool's.
inline constexpr std::size_t kMaxToolFileBytes = 1U << 20;

/// Path and content of those that an image has.
using ToolFiles = std::map<std::string, std::string, std::less<>>;

/// Adds what they say to what `config` leaves open.
Result<> add_tool_files(const ToolFiles& files, ImageConfig& config);

/// Likewise of the file that Shifter (`KEY: value` lines) or Sarus (JSON) keep beside `ID.squashfs`
/// under the name `ID.meta`.  Any other tool's says nothing.
Result<> add_side_file(std::string_view text, ImageConfig& config);

/// The side file's path; empty where the image's does not end in `.squashfs`.
std::string side_file_of(std::string_view image);

}  // namespace lading::formats
