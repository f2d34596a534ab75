// SPDX-License-Identifier: BSD-3-Clause
/// The history of a store's tags.
///
/// A tag moves first and its history follows, so that whoever is killed between the two leaves a
/// history that lags behind; reading one adds what the tag says.
#pragma once

#include <string>
#include <vector>

#include "core/formats/tag_history.hpp"
#include "core/sys/image_store.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// A tag that is, or was.
struct TagPast {
    std::string name;
    std::string tag;
    formats::TagHistory history;  ///< ends with what the tag says now
};

Result<formats::TagHistory> read_history(const ImageStore& store, const TagName& tag);
Result<std::vector<TagPast>> read_histories(const ImageStore& store);

/// Under the store's lock.
Result<> write_history(const ImageStore& store, const TagName& tag,
                       const formats::TagHistory& history);

/// Forgets in every history what is not `known`, under the store's lock.
Result<> prune_histories(const ImageStore& store, const std::set<std::string>& known);

}  // namespace lading::sys
