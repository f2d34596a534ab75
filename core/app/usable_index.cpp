// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/usable_index.hpp"

#include <ctime>

#include "core/app/index_root.hpp"
#include "core/app/tree_stamps.hpp"

namespace lading::app {
namespace {

/// What fits into a message, beside the rest of the answer.
constexpr std::size_t kKeptBytes = 12 << 20;

}  // namespace

bool is_current_index(const sys::Fd& index) {
    const auto mapped = sys::MappedFile::open(index.get(), "the index");
    return mapped && formats::ElfIndex::open(mapped->bytes()).has_value();
}

Result<UsableIndex> UsableIndex::open(int stored, int root, bool tree) {
    UsableIndex index;
    if (stored >= 0) {
        index.file = TRY(sys::MappedFile::open(stored, "the image's index"));
        index.in_file = tree ? index_of_unchanged(index.file.bytes(), root) : index.file.bytes();
    }
    if (formats::ElfIndex::open(index.in_file)) {
        return index;
    }
    // None, or one of an older lading.
    TreeStamps stamps;
    index.fresh = TRY(index_root(root, tree ? &stamps : nullptr));
    if (tree && stamps.settled(std::time(nullptr))) {
        index.keep = stamps.keep(index.fresh);
    } else if (!tree) {
        index.keep = index.fresh;
    }
    if (index.keep.size() > kKeptBytes) {
        index.keep.clear();
    }
    return index;
}

}  // namespace lading::app
