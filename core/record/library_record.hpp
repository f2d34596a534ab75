// SPDX-License-Identifier: BSD-3-Clause
/// The part of a record that says which libraries an image was given, in as few bytes as it must.
#pragma once

#include <nlohmann/json.hpp>

#include "core/formats/strict_json.hpp"
#include "lading/record.hpp"

namespace lading::record {

nlohmann::json libraries_json(const LibrariesRecord& libraries);
Result<> read_libraries(const formats::JsonNode& node, LibrariesRecord& into);

/// Leaves the least important part out: first the reasons, then the paths, then the lists; false
/// where nothing of it is left to leave out.
bool shorten(LibrariesRecord& libraries);

/// The same within the bounds that a record has.
LibrariesRecord bounded_libraries(LibrariesRecord libraries);

}  // namespace lading::record
