// SPDX-License-Identifier: BSD-3-Clause
/// Taking things out of an image store.
///
/// A tag that is removed, or moves, leaves its image: a job may wait for it.  Images go by digest,
/// or by `lading gc`, which asks Slurm first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/sys/image_store.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Removes a tag.  Code::not_found where there is no such tag.
Result<> remove_tag(const std::string& store, const std::string& name, const std::string& tag);

/// Removes an image with all of its tags, at once.
Result<> remove_image(const std::string& store, const std::string& digest);

/// A file that no document names: the litter of a killed import.
struct OrphanFile {
    std::string path;  ///< in the store
    std::uint64_t bytes = 0;
};

/// Empty as well where a document cannot be read: which file it needs is unknown.
Result<std::vector<OrphanFile>> find_orphans(const ImageStore& store);

/// Under the store's lock, all three.
void sweep_staging(const ImageStore& store);
Result<> sweep_orphans(const ImageStore& store);
/// The file goes with sweep_orphans(), as long as no other document names it.
Result<> remove_document(const ImageStore& store, const std::string& digest);

}  // namespace lading::sys
