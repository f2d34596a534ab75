// SPDX-License-Identifier: BSD-3-Clause
/// Paths in strict JSON documents.  Brings nlohmann/json with it, like strict_json.hpp.
#pragma once

#include <string>
#include <string_view>

#include "core/formats/strict_json.hpp"

namespace lading::formats {

/// For messages: what the administrator wrote, but not without end.
std::string shown_text(std::string_view text);

/// An absolute path, written as the kernel would say it, so that what is compared later is what
/// one reads; not `/` itself.
Result<std::string> read_clean_path(const JsonNode& node);

}  // namespace lading::formats
