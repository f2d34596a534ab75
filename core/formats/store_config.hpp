// SPDX-License-Identifier: BSD-3-Clause
/// The part of lading.json that says where images lie, how they are mounted and who may add some.
#pragma once

#include <vector>

#include "core/formats/strict_json.hpp"
#include "lading/site.hpp"

namespace lading::formats {

/// `auto`, `kernel` or `squashfuse`.
Result<> read_mount_by(const JsonNode& node, MountBy& into);

Result<> read_stores(const JsonNode& node, std::vector<StoreConfig>& stores);

}  // namespace lading::formats
