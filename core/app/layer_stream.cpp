// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/layer_stream.hpp"

#include <algorithm>

#include "core/app/config_fields.hpp"
#include "core/formats/member_path.hpp"
#include "core/sys/channel.hpp"

namespace lading::app {
namespace {

using formats::EntryType;
using formats::Fields;
using formats::LayerEntry;

constexpr std::string_view kXattrField = "x:";
constexpr const char* kLayerField = "layer";
constexpr const char* kStepField = "step";
/// Of layers and of steps: more than any honest reader sends.
constexpr std::size_t kMaxParts = 1024;
constexpr std::size_t kMaxPartBytes = 8192;

tl::unexpected<Error> dishonest(const char* what) {
    return fail(Code::internal, std::string("the reader of the image sent ") + what);
}

/// An entry as the flattened image has it: no device, every path normal, nothing out of range.
Result<> check_entry(const LayerEntry& entry) {
    if (!formats::is_member_path(entry.path) || entry.mode > 07777) {
        return dishonest("an entry that it should have refused");
    }
    if (entry.path.empty() && entry.type != EntryType::directory) {
        return dishonest("a root that is no directory");
    }
    const bool linked = entry.type == EntryType::hardlink || entry.type == EntryType::symlink;
    if (linked == entry.link.empty() || entry.link.find('\0') != std::string::npos ||
        entry.link.size() > formats::kMaxPathBytes ||
        (entry.type == EntryType::hardlink && !formats::is_member_path(entry.link))) {
        return dishonest("a link that leads nowhere");
    }
    if (!std::ranges::all_of(
            entry.xattrs, [](const auto& xattr) { return formats::is_kept_xattr(xattr.first); })) {
        return dishonest("an extended attribute that no image may have");
    }
    return {};
}

/// Layers and steps are fields within a field.
template <typename Item, typename Read>
Result<std::vector<Item>> decode_items(const Fields& fields, const char* name, const Read& read) {
    std::vector<Item> items;
    for (const std::string& bytes : fields.all(name)) {
        if (items.size() == kMaxParts || bytes.size() > kMaxPartBytes) {
            return dishonest("more layers than an image may have");
        }
        items.push_back(read(TRY(formats::decode_fields(bytes))));
    }
    return items;
}

}  // namespace

Result<> send_part(int socket, Part part, std::string_view bytes,
                   const std::vector<int>& descriptors) {
    std::string message;
    message.reserve(bytes.size() + 1);
    message += static_cast<char>(part);
    message += bytes;
    return sys::send_message(socket, message, descriptors);
}

Result<ReceivedPart> receive_part(int socket) {
    sys::Message message = TRY(sys::receive_message(socket, 1));
    if (message.bytes.empty()) {
        return dishonest("an empty message");
    }
    const auto part = static_cast<Part>(message.bytes.front());
    message.bytes.erase(0, 1);
    return ReceivedPart{part, std::move(message.bytes), std::move(message.descriptors)};
}

std::string encode_entry(const LayerEntry& entry) {
    Fields fields;
    fields.add("path", entry.path);
    fields.add("type", static_cast<std::uint64_t>(entry.type));
    fields.add("link", entry.link);
    fields.add("mode", std::uint64_t{entry.mode});
    fields.add("uid", std::uint64_t{entry.uid});
    fields.add("gid", std::uint64_t{entry.gid});
    // squashfs has no time before 1970.
    fields.add("mtime", static_cast<std::uint64_t>(std::max<std::int64_t>(entry.mtime, 0)));
    fields.add("size", entry.size);
    for (const auto& [name, value] : entry.xattrs) {
        fields.add(std::string(kXattrField) + name, value);
    }
    return formats::encode_fields(fields);
}

Result<LayerEntry> decode_entry(std::string_view bytes) {
    const Fields fields = TRY(formats::decode_fields(bytes));
    const std::uint64_t type = fields.number("type");
    if (type >= static_cast<std::uint64_t>(EntryType::device)) {
        return dishonest("an entry of no known type");
    }
    LayerEntry entry;
    entry.path = fields.get("path");
    entry.type = static_cast<EntryType>(type);
    entry.link = fields.get("link");
    entry.mode = static_cast<std::uint32_t>(fields.number("mode"));
    entry.uid = static_cast<std::uint32_t>(fields.number("uid"));
    entry.gid = static_cast<std::uint32_t>(fields.number("gid"));
    entry.mtime =
        static_cast<std::int64_t>(std::min<std::uint64_t>(fields.number("mtime"), UINT32_MAX));
    entry.size = fields.number("size");
    for (const auto& [name, value] : fields.entries()) {
        if (name.starts_with(kXattrField)) {
            entry.xattrs.emplace_back(name.substr(kXattrField.size()), value);
        }
    }
    TRY(check_entry(entry));
    return entry;
}

std::string encode_facts(const SourceFacts& facts) {
    Fields fields;
    fields.add("digest", facts.digest);
    fields.add("configured", facts.configured ? 1U : 0U);
    add_config(fields, facts.config);
    for (const ImageLayer& layer : facts.layers) {
        Fields item;
        item.add("digest", layer.digest);
        item.add("bytes", layer.bytes);
        item.add("type", layer.media_type);
        fields.add(kLayerField, formats::encode_fields(item));
    }
    for (const ImageStep& step : facts.history) {
        Fields item;
        item.add("created", step.created);
        item.add("by", step.created_by);
        item.add("empty", std::uint64_t{step.empty});
        fields.add(kStepField, formats::encode_fields(item));
    }
    return formats::encode_fields(fields);
}

Result<SourceFacts> decode_facts(std::string_view bytes) {
    const Fields fields = TRY(formats::decode_fields(bytes));
    SourceFacts facts;
    facts.digest = fields.get("digest");
    if (!facts.digest.empty() && !is_digest(facts.digest)) {
        return dishonest("an identity that is no digest");
    }
    facts.configured = fields.number("configured") != 0;
    facts.config = config_of(fields);
    facts.layers = TRY(decode_items<ImageLayer>(fields, kLayerField, [](const Fields& item) {
        return ImageLayer{std::string(item.get("digest")), item.number("bytes"),
                          std::string(item.get("type"))};
    }));
    if (!std::ranges::all_of(facts.layers, is_digest, &ImageLayer::digest)) {
        return dishonest("a layer that has no digest");
    }
    facts.history = TRY(decode_items<ImageStep>(fields, kStepField, [](const Fields& item) {
        return ImageStep{std::string(item.get("created")), std::string(item.get("by")),
                         item.number("empty") != 0};
    }));
    return facts;
}

}  // namespace lading::app
