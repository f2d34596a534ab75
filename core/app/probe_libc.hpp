// SPDX-License-Identifier: BSD-3-Clause
/// Which C library and machine an image is made for.
#pragma once

#include <string>

#include "core/app/image_feed.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct ImageNature {
    std::string libc;          ///< `glibc 2.36`, `musl`, or empty
    std::string architecture;  ///< GOARCH value, or empty
};

/// Parses the evidence in an unprivileged child.  `architecture` is what the image's configuration
/// says; it decides between the libcs of an image that has several.
Result<ImageNature> probe_nature(const Evidence& evidence, const std::string& architecture);

}  // namespace lading::app
