// SPDX-License-Identifier: BSD-3-Clause
/// YAML documents as the JSON values that they stand for, so that one strict reader serves both.
/// Brings nlohmann/json with it, like strict_json.hpp; yaml-cpp and its exceptions stay inside.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/formats/strict_json.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// Parses one document by YAML 1.2's core schema, with YAML 1.1's octal numbers.  A key given
/// twice, a key that is no text, a tag beyond the core schema, and what anchors and aliases blow up
/// beyond the document's own size are errors.  Errors name line and column where the parser knows
/// them.
Result<nlohmann::json> parse_strict_yaml(std::string_view text, const JsonRules& rules);

}  // namespace lading::formats
