// SPDX-License-Identifier: BSD-3-Clause
/// Content digests as text (OCI image specification 1.1, descriptor.md).
#pragma once

#include <string>
#include <string_view>

#include "lading/image.hpp"

namespace lading::formats {

inline constexpr std::string_view kDigestPrefix = "sha256:";

/// The 64 hex digits of a digest; `digest` satisfies is_digest().
std::string_view digest_hex(std::string_view digest);

/// `sha256:` and the first twelve hex digits, for tables and messages.
std::string short_digest(std::string_view digest);

}  // namespace lading::formats
