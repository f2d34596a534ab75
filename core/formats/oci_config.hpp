// SPDX-License-Identifier: BSD-3-Clause
/// More of an OCI image configuration than a launch needs: what an import checks layers against.
/// parse_image_config() is declared in lading/image.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lading/image.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// Digests of the uncompressed layers, lowest first (config.md, `rootfs.diff_ids`).
Result<std::vector<std::string>> parse_diff_ids(std::string_view json);

/// How the layers were made (config.md, `history`).  It is kept to be read by people alone: what is
/// malformed is left out, what is long is cut.
std::vector<ImageStep> parse_image_history(std::string_view json);

}  // namespace lading::formats
