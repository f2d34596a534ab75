// SPDX-License-Identifier: BSD-3-Clause
/// The use case of `lading gc`: removes images without a tag that no job can still need.
///
/// Slurm is asked under the store's lock, so that no image can lose its tag between the question
/// and the removal.  What is not certain stays.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lading/result.hpp"

namespace lading::app {

struct GarbageRequest {
    std::string store;
    std::int64_t older_than = 0;  ///< seconds: what lost its tag later stays
    bool dry_run = false;
    std::vector<std::string> layers;  ///< directories of layers to clean as well (layer_cache.hpp)
    bool private_store = false;  ///< no one but the caller uses it: his own jobs tell all
    /// What squeue gets of the caller's environment, for each cluster that uses the store; none:
    /// no Slurm does.
    std::vector<std::vector<std::string>> clusters;
};

struct UntaggedImage {
    std::string digest;
    std::string name;  ///< `atse:1.2.4`, the last tag that it had; empty: not known
    std::string file;  ///< its squashfs file's digest
    std::uint64_t bytes = 0;
    std::int64_t since = 0;  ///< when it lost its last tag
    std::string kept;        ///< why; empty: it goes
};

struct Garbage {
    std::vector<UntaggedImage> images;
    std::uint64_t freed = 0;
    std::size_t layers = 0;  ///< blobs of registries that no pull has used for that time
    std::size_t orphans = 0;            ///< files of killed imports, freed as well
    std::vector<std::string> problems;  ///< what stays because it cannot be understood
};

Result<Garbage> collect_garbage(const GarbageRequest& request);

}  // namespace lading::app
