// SPDX-License-Identifier: BSD-3-Clause
/// What is left when layers are laid over each other: a pure decision over their entry lists.
///
/// The rules are those of the OCI image specification 1.1, layer.md: an upper entry replaces a
/// lower one, a directory keeps its children, `.wh.NAME` hides NAME of the layers below,
/// `.wh..wh..opq` hides all that the layers below have in that directory.  Both act on lower layers
/// alone, wherever they stand in their own.  A hard link holds the file that it was made of, also
/// after the name that it was made from has been replaced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/formats/layer_entry.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// Where an entry stands: the n-th member of the n-th layer, counted from 0.
struct EntryPlace {
    std::uint32_t layer = 0;
    std::uint32_t index = 0;
    auto operator<=>(const EntryPlace&) const = default;
};

/// One file's content and every name that it goes by in the result, the first in path order first.
struct PlacedFile {
    EntryPlace place;
    LayerEntry entry;                 ///< under its first name
    std::vector<std::string> others;  ///< hard links to it
};

/// The flattened image.
struct FlatImage {
    std::vector<LayerEntry> entries;  ///< directories, symbolic links and fifos: parents first
    std::vector<PlacedFile> files;    ///< in the order in which the layers hold their content
};

inline constexpr std::size_t kMaxEntries = 8'000'000;            ///< members of all layers together
inline constexpr std::uint64_t kMaxContentBytes = 512ULL << 30;  ///< of all members together

class LayerTree {
  public:
    LayerTree();
    ~LayerTree();
    LayerTree(LayerTree&&) noexcept;
    LayerTree& operator=(LayerTree&&) noexcept;

    /// Adds the entry at `place`.  Places come in ascending order.
    Result<> add(LayerEntry entry, EntryPlace place);

    /// Is there a regular file of that path?  For telling kinds of archives apart.
    bool has_file(const std::string& path) const;
    bool has(const std::string& path) const;

    FlatImage flatten() const;

  private:
    struct Node;
    struct Content;
    static std::shared_ptr<const Content> implied_content();
    Result<Node*> enter(std::string_view path, std::uint32_t layer);
    Result<> add_link(const LayerEntry& entry, Node& parent, const std::string& name,
                      EntryPlace place);
    const Node* find(std::string_view path) const;
    std::unique_ptr<Node> root_;
    std::size_t entries_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace lading::formats
