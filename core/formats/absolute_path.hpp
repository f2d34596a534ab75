// SPDX-License-Identifier: BSD-3-Clause
/// Absolute paths as users and configurations write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/formats/caret.hpp"

namespace lading::formats {

/// The kernel's own bound (PATH_MAX), less its NUL.
inline constexpr std::size_t kMaxPath = 4095;

/// Reads an absolute path and drops what means nothing (`//`, `/./`, a trailing `/`).  Refused are
/// relative paths; `..`, which would make every later comparison of paths a lie; control characters
/// and bytes that are not UTF-8, which JSON, logs and accounting could not carry; and paths longer
/// than the kernel takes.
tl::expected<std::string, Fault> clean_absolute_path(std::string_view text);

}  // namespace lading::formats
