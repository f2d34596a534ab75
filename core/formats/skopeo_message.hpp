// SPDX-License-Identifier: BSD-3-Clause
/// skopeo's words for what went wrong, as lading's.
#pragma once

#include <string>
#include <string_view>

#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// From what skopeo wrote to stderr (logrus: `time="…" level=fatal msg="…"`, one a line).  The hint
/// says what to do about the usual reasons.
Error explain_skopeo(std::string_view said, const RegistryImage& image);

}  // namespace lading::formats
