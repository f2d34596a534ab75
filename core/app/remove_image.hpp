// SPDX-License-Identifier: BSD-3-Clause
/// Taking images out of a store.
#pragma once

#include <string>
#include <vector>

#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Removes the tag, or where the name has a digest the image with all of its tags, from the first
/// store that has it; the value is that store.  A tag leaves its image to collect_garbage().  A step
/// that runs in a removed image keeps it, unless the store is on NFS.
Result<std::string> remove_image(const std::vector<std::string>& stores, const ImageName& name);

}  // namespace lading::app
