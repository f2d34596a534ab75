// SPDX-License-Identifier: BSD-3-Clause
/// Which C library and machine an image is made for, and what other tools wrote into it of its
/// configuration.
#pragma once

#include <string>

#include "core/app/image_feed.hpp"
#include "core/app/layer_stream.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct ImageNature {
    std::string libc;          ///< `glibc 2.36`, `musl`, or empty
    std::string architecture;  ///< GOARCH value, or empty
    ImageConfig config;        ///< as asked, with what other tools' files in the image add to it
};

/// Parses the evidence in an unprivileged child.  The architecture that the image's configuration
/// says decides between the libcs of an image that has several.
Result<ImageNature> probe_nature(const Evidence& evidence, const SourceFacts& facts);

}  // namespace lading::app
