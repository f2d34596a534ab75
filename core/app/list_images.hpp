// SPDX-License-Identifier: BSD-3-Clause
/// What the stores hold.
#pragma once

#include <string>
#include <vector>

#include "core/record/image_uses.hpp"
#include "lading/image.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct ListedImage {
    std::string store;
    std::string name;
    std::string tag;
    ImageDocument document;
    std::string error;                     ///< why there is no document; empty where there is one
    std::vector<record::ImageUser> users;  ///< jobs of the queue that need it
};

struct ImageList {
    std::vector<ListedImage> images;  ///< by store in the given order, then by name and tag
    std::vector<Error> missing;       ///< stores that are not there: a home without one is usual
    std::vector<Error> problems;      ///< of stores that could not be read
    bool users_known = false;         ///< could Slurm be asked?
};

Result<ImageList> list_images(const std::vector<std::string>& stores);

/// Asks Slurm who uses them; `environment` is what squeue gets of the caller's.  Jobs that Slurm
/// does not show to the caller are not counted.
void find_users(ImageList& list, const std::vector<std::string>& environment);

struct FoundDocument {
    ImageDocument document;
    std::string store;
    std::string file;  ///< the squashfs file's path
};

/// The document of an image from the first store that has it; Code::not_found with the nearest
/// names where none has.
Result<FoundDocument> find_document(const std::vector<std::string>& stores, const ImageName& name);

/// The error for a name that no store has.
tl::unexpected<Error> no_such_image(const std::vector<std::string>& stores, const ImageName& name);

}  // namespace lading::app
