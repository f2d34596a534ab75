// SPDX-License-Identifier: BSD-3-Clause
/// From one store to another: what arrives is packed anew, by the importer.
///
/// A store that the kernel mounts from may take an image from one that a user writes, since no byte
/// of the user's squashfs comes along, nor what his document says of identity: the copy's digest is
/// that of its own new file.  Labels, environment and the like are the image's author's word in any
/// case, and are kept.
#pragma once

#include <string>

#include "lading/image.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct CopyRequest {
    std::string from;  ///< a store's directory
    ImageName name;
    std::string to;    ///< likewise
    ImageName target;  ///< without digest
};

/// The document says what is now in the other store.
Result<ImageDocument> copy_image(const CopyRequest& request);

}  // namespace lading::app
