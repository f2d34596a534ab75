// SPDX-License-Identifier: BSD-3-Clause
/// Reading members of hostile JSON documents with errors that name document and member.
/// For the readers of this floor alone: it brings nlohmann/json with it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/json_limits.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// Parses a document whose top is an object; `what` names it in errors.
Result<nlohmann::json> parse_json_object(std::string_view json, std::string_view what);

/// Members of `object`.  A missing or null member reads as empty; one of another type, and text
/// with a NUL byte (which the C strings it becomes would cut), is Code::bad_image.
Result<std::string> json_text(const nlohmann::json& object, const char* name,
                              std::string_view what);
Result<std::uint64_t> json_number(const nlohmann::json& object, const char* name,
                                  std::string_view what);
Result<std::vector<std::string>> json_texts(const nlohmann::json& object, const char* name,
                                            std::string_view what);
/// An object or array member, by pointer: nullptr where it is missing or null.
Result<const nlohmann::json*> json_member(const nlohmann::json& object, const char* name,
                                          nlohmann::json::value_t type, std::string_view what);

}  // namespace lading::formats
