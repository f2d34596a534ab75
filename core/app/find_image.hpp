// SPDX-License-Identifier: BSD-3-Clause
/// From a reference to an open image, with the caller's own rights.
#pragma once

#include <optional>
#include <string>

#include "core/sys/fd.hpp"
#include "lading/image.hpp"
#include "lading/request.hpp"
#include "lading/site.hpp"

namespace lading::app {

struct FoundImage {
    ImageFacts::Kind kind = ImageFacts::Kind::squashfs;
    HostPath origin;                        ///< the file or directory that was opened
    std::string store;                      ///< empty for an image given by path
    std::optional<ImageDocument> document;  ///< of an image in a store
    sys::Fd index;  ///< of its ELF files; of an image in a store that has it
    sys::Fd file;   ///< squashfs or SIF: readable; directory: O_PATH
    sys::Fd side;   ///< what Shifter and Sarus keep beside a file given by path
};

/// Looks the reference up in the site's stores, in order, or opens its path.  A name that no store
/// has is answered with the nearest names that do exist.
Result<FoundImage> find_image(const ImageReference& reference, const SiteConfig& site,
                              const std::string& home);

}  // namespace lading::app
