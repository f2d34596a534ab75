// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace lading::formats {

/// No document that lading reads about an image is larger (the OCI distribution specification asks
/// registries to accept manifests of at least 4 MiB).
inline constexpr std::size_t kMaxJsonBytes = 8U << 20;

}  // namespace lading::formats
