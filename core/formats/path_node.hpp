// SPDX-License-Identifier: BSD-3-Clause
/// Paths in strict JSON documents.  Brings nlohmann/json with it, like strict_json.hpp.
#pragma once

#include <string>
#include <string_view>

#include "core/formats/strict_json.hpp"

namespace lading::formats {

/// For messages: what the administrator wrote, but not without end.
std::string shown_text(std::string_view text);

/// `text`, of that node, as an absolute path that is written as the kernel would say it, so that
/// what policies compare later is what one reads.
Result<std::string> check_clean_path(const JsonNode& node, std::string_view text);

/// The node's own text as such a path; not `/` itself.
Result<std::string> read_clean_path(const JsonNode& node);

}  // namespace lading::formats
