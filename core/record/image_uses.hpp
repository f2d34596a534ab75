// SPDX-License-Identifier: BSD-3-Clause
/// Which images of a store the jobs of the queue need.
///
/// Two answers are joined.  What a job asked for: its image's tag, and what the tag named when the
/// job was submitted, because that is the digest that the job carries.  And what its steps run, by
/// its record.  Where neither is certain an image counts as needed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/formats/squeue_text.hpp"
#include "core/formats/tag_history.hpp"

namespace lading::record {

struct StoredImageFacts {
    std::string digest;
    std::string squashfs_digest;
    std::string source;
};

struct TagFacts {
    std::string name;
    std::string tag;
    formats::TagHistory history;
};

struct StoreFacts {
    std::vector<StoredImageFacts> images;
    std::vector<TagFacts> tags;
};

struct ImageUser {
    std::string job;
    std::string user;
    bool operator==(const ImageUser&) const = default;
};

struct ImageUses {
    std::map<std::string, std::vector<ImageUser>> users;  ///< by the image's digest
    std::vector<std::string> doubtful;  ///< jobs that may need images which nothing names
};

/// `margin`: seconds by which the clocks of submit hosts, slurmctld and importers may differ, and
/// that a submission may take.
ImageUses find_uses(const std::vector<formats::QueuedJob>& jobs, const StoreFacts& store,
                    std::int64_t margin);

}  // namespace lading::record
