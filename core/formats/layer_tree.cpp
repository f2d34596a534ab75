// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/layer_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/formats/member_path.hpp"

namespace lading::formats {

/// What a name stands for; hard links share it, so that it outlives the name it came with.
struct LayerTree::Content {
    LayerEntry entry;  ///< without path
    EntryPlace place;
};

struct LayerTree::Node {
    Node* parent = nullptr;
    std::string name;
    std::shared_ptr<const Content> content;
    std::uint32_t layer = 0;  ///< that last said what this name is
    std::size_t depth = 0;
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;

    Node(Node* above, std::string called, std::shared_ptr<const Content> what, std::uint32_t from)
        : parent(above),
          name(std::move(called)),
          content(std::move(what)),
          layer(from),
          depth(above == nullptr ? 0 : above->depth + 1) {}
    bool is(EntryType type) const { return content->entry.type == type; }
};

namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
/// aufs kept its own files under this prefix; docker's layers still may, and nobody wants them.
constexpr std::string_view kAufs = ".wh..wh.";
constexpr std::size_t kMaxLinksFollowed = 40;  // as the kernel has it

LayerEntry implied_directory() {
    LayerEntry entry;
    entry.type = EntryType::directory;
    entry.mode = 0755;
    return entry;
}

std::vector<std::string_view> components(std::string_view path) {
    std::vector<std::string_view> list;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        list.push_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return list;
}

std::pair<std::string_view, std::string_view> split(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return {{}, path};
    }
    return {path.substr(0, slash), path.substr(slash + 1)};
}

/// Takes away what layers below `layer` put under `node`; true where something newer is left.
template <typename Node>
bool hide(Node& node, std::uint32_t layer, const auto& implied);

template <typename Node>
bool hide_children(Node& node, std::uint32_t layer, const auto& implied) {
    for (auto child = node.children.begin(); child != node.children.end();) {
        child =
            hide(*child->second, layer, implied) ? std::next(child) : node.children.erase(child);
    }
    return !node.children.empty();
}

/// The same for the node itself.  A newer entry may stand in a directory that thereby loses its own
/// word: the directory stays, with the attributes of one that no layer mentions.
template <typename Node>
bool hide(Node& node, std::uint32_t layer, const auto& implied) {
    const bool left = hide_children(node, layer, implied);
    if (node.layer < layer && left) {
        node.content = implied;
        node.layer = layer;
    }
    return left || node.layer >= layer;
}

/// Walks down from the root as the kernel would inside a chroot: `..` stops at the root, symbolic
/// links start from it or from their own directory.  `step` names the child or nullptr.  Nullptr
/// also where there are too many links, or where links lead deeper than a path may be.
template <typename Node>
Node* descend(Node* root, std::string_view path, bool follow_last, const auto& step) {
    std::vector<std::string> waiting;
    const auto push = [&waiting](std::string_view text) {
        const auto parts = components(text);
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
            waiting.emplace_back(*part);
        }
    };
    push(path);
    Node* at = root;
    std::size_t links = 0;
    while (!waiting.empty()) {
        const std::string name = std::move(waiting.back());
        waiting.pop_back();
        if (name.empty() || name == ".") {
            continue;
        }
        if (name == "..") {
            at = at->parent != nullptr ? at->parent : at;
            continue;
        }
        Node* const child = step(at, name);
        if (child == nullptr || child->depth >= kMaxPathDepth) {
            return nullptr;
        }
        if (child->is(EntryType::symlink) && (follow_last || !waiting.empty())) {
            if (++links > kMaxLinksFollowed) {
                return nullptr;
            }
            const std::string target = child->content->entry.link;
            at = target.starts_with('/') ? root : at;
            push(target);
            continue;
        }
        at = child;
    }
    return at;
}

}  // namespace

std::shared_ptr<const LayerTree::Content> LayerTree::implied_content() {
    static const auto content = std::make_shared<const Content>(Content{implied_directory(), {}});
    return content;
}

LayerTree::LayerTree() : root_(std::make_unique<Node>(nullptr, "", implied_content(), 0)) {}
LayerTree::~LayerTree() = default;
LayerTree::LayerTree(LayerTree&&) noexcept = default;
LayerTree& LayerTree::operator=(LayerTree&&) noexcept = default;

/// The directory at `path`, symbolic links followed inside the image as chroot would, and made
/// where it is missing: archives may leave out the directories of their members, and builders put
/// members below a link (`lib/x` over `lib -> usr/lib`).
Result<LayerTree::Node*> LayerTree::enter(std::string_view path, std::uint32_t layer) {
    Node* const found =
        descend(root_.get(), path, true, [layer](Node* at, std::string_view name) -> Node* {
            const auto child = at->children.find(name);
            if (child != at->children.end() && (child->second->is(EntryType::directory) ||
                                                child->second->is(EntryType::symlink))) {
                return child->second.get();
            }
            if (name.size() > kMaxNameBytes) {
                return nullptr;
            }
            auto made = std::make_unique<Node>(at, std::string(name), implied_content(), layer);
            return (at->children[made->name] = std::move(made)).get();
        });
    if (found == nullptr) {
        return fail(Code::bad_image,
                    fmt::format("the way to '{}' in the image has too many symbolic links or is "
                                "more than {} directories deep",
                                shown_name(path), kMaxPathDepth));
    }
    return found;
}

const LayerTree::Node* LayerTree::find(std::string_view path) const {
    // The last component itself may be a link: a hard link can be made of one.
    return descend(static_cast<const Node*>(root_.get()), path, false,
                   [](const Node* at, std::string_view name) -> const Node* {
                       const auto child = at->children.find(name);
                       return child == at->children.end() ? nullptr : child->second.get();
                   });
}

bool LayerTree::has(const std::string& path) const {
    return find(path) != nullptr;
}

bool LayerTree::has_file(const std::string& path) const {
    const Node* const node = find(path);
    return node != nullptr && node->is(EntryType::file);
}

Result<> LayerTree::add_link(const LayerEntry& entry, Node& parent, const std::string& name,
                             EntryPlace place) {
    const Node* const target = find(entry.link);
    if (target == nullptr || target->is(EntryType::directory)) {
        return fail(Code::bad_image,
                    fmt::format("'{}' in the image is a hard link to '{}', which is {}",
                                shown_name(entry.path), shown_name(entry.link),
                                target == nullptr ? "not there" : "a directory"));
    }
    // Keep the content before the name is overwritten: a link to itself must not lose it.
    std::shared_ptr<const Content> content = target->content;
    parent.children[name] = std::make_unique<Node>(&parent, name, std::move(content), place.layer);
    return {};
}

Result<> LayerTree::add(LayerEntry entry, EntryPlace place) {
    if (++entries_ > kMaxEntries) {
        return fail(Code::bad_image,
                    fmt::format("the image has more than {} members", kMaxEntries));
    }
    if (entry.size > kMaxContentBytes - bytes_) {
        return fail(Code::bad_image, fmt::format("the image holds more than {} GiB, at '{}'",
                                                 kMaxContentBytes >> 30, shown_name(entry.path)));
    }
    bytes_ += entry.size;
    const auto [directory, last] = split(entry.path);
    const std::string name(last);
    if (name.starts_with(kWhiteout)) {
        Node* const parent = TRY(enter(directory, place.layer));
        if (name == kOpaque) {
            hide_children(*parent, place.layer, implied_content());
        } else if (!name.starts_with(kAufs)) {
            const auto hidden = parent->children.find(name.substr(kWhiteout.size()));
            if (hidden != parent->children.end() &&
                !hide(*hidden->second, place.layer, implied_content())) {
                parent->children.erase(hidden);
            }
        }
        return {};
    }
    if (name.empty()) {
        if (entry.type == EntryType::directory) {
            root_->content = std::make_shared<Content>(Content{std::move(entry), place});
            root_->layer = place.layer;
        }
        return {};
    }
    Node* const parent = TRY(enter(directory, place.layer));
    if (entry.type == EntryType::hardlink) {
        return add_link(entry, *parent, name, place);
    }
    std::unique_ptr<Node>& slot = parent->children[name];
    const bool keeps_children =
        slot && slot->is(EntryType::directory) && entry.type == EntryType::directory;
    entry.path.clear();
    auto content = std::make_shared<const Content>(Content{std::move(entry), place});
    if (keeps_children) {
        slot->content = std::move(content);
        slot->layer = place.layer;
    } else {
        slot = std::make_unique<Node>(parent, name, std::move(content), place.layer);
    }
    return {};
}

FlatImage LayerTree::flatten() const {
    FlatImage image;
    std::map<const Content*, PlacedFile> files;
    const auto visit = [&](const auto& self, const Node& node, const std::string& path) -> void {
        LayerEntry entry = node.content->entry;
        entry.path = path;
        if (entry.type == EntryType::file) {
            const auto [file, first] = files.try_emplace(node.content.get());
            if (first) {
                file->second = PlacedFile{node.content->place, std::move(entry), {}};
            } else {
                file->second.others.push_back(path);
            }
            return;
        }
        if (entry.type == EntryType::device) {
            return;  // a container's /dev comes from the host, and the image is mounted nodev
        }
        const bool directory = entry.type == EntryType::directory;
        image.entries.push_back(std::move(entry));
        if (directory) {
            for (const auto& [name, child] : node.children) {
                self(self, *child, path.empty() ? name : path + '/' + name);
            }
        }
    };
    visit(visit, *root_, "");
    for (auto& [content, file] : files) {
        image.files.push_back(std::move(file));
    }
    std::ranges::sort(image.files, {}, &PlacedFile::place);
    return image;
}

}  // namespace lading::formats
