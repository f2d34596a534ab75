// SPDX-License-Identifier: BSD-3-Clause
/// What an image that no import has read says of itself, inside and in its headers.
#pragma once

#include "core/app/find_image.hpp"
#include "core/formats/tool_files.hpp"
#include "lading/image.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Those of formats::kToolFiles that a mounted root has.  For a process without privileges.
formats::ToolFiles read_tool_files(int root);

/// The configuration that a step in this image will have: found by a child without privileges, and
/// without a mount.
Result<ImageConfig> describe_image(const FoundImage& found);

}  // namespace lading::app
