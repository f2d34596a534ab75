// SPDX-License-Identifier: BSD-3-Clause
/// An image's index, wherever it comes from.
#pragma once

#include <string>
#include <string_view>

#include "core/sys/fd.hpp"
#include "core/sys/mapped_file.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Is it an index of this version of lading's?  No more of it is looked at.
bool is_current_index(const sys::Fd& index);

struct UsableIndex {
    /// What was stored or kept (`stored`, -1: nothing), or else what `root` says itself.  A tree's
    /// holds only as long as the tree is unchanged.
    static Result<UsableIndex> open(int stored, int root, bool tree);

    std::string_view bytes() const { return fresh.empty() ? in_file : std::string_view(fresh); }

    sys::MappedFile file;
    std::string_view in_file;
    std::string fresh;  ///< made now
    std::string keep;   ///< what to keep of that for the next time; empty: nothing
};

}  // namespace lading::app
