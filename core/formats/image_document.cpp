// SPDX-License-Identifier: BSD-3-Clause
// The document beside an image in a store: written and read by lading alone, hence strict.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/formats/json_reader.hpp"
#include "lading/image.hpp"

namespace lading {
namespace {

using formats::json_member;
using formats::json_number;
using formats::json_text;
using formats::json_texts;
using nlohmann::json;

constexpr std::string_view kWhat = "the image document";
constexpr std::uint64_t kVersion = 1;

constexpr std::array kMembers = {"version", "digest", "squashfs", "libc",   "source",
                                 "created", "config", "layers",   "history"};
constexpr std::array kLayerMembers = {"digest", "bytes", "type"};
constexpr std::array kStepMembers = {"created", "by", "empty"};
constexpr std::array kSquashfsMembers = {"digest", "bytes"};
constexpr std::array kConfigMembers = {"architecture", "environment", "entrypoint", "command",
                                       "workdir",      "user",        "labels",     "definition"};

Result<> refuse_unknown(const json& object, const auto& members) {
    for (const auto& item : object.items()) {
        if (std::ranges::find(members, item.key(), [](const char* name) {
                return std::string_view(name);
            }) == members.end()) {
            return fail(Code::bad_image,
                        fmt::format("{} has an unknown member '{}'", kWhat, item.key()),
                        "a newer lading may have written it: use that one, or import again");
        }
    }
    return {};
}

Result<std::string> digest_member(const json& object, const char* name) {
    std::string digest = TRY(json_text(object, name, kWhat));
    if (!is_digest(digest)) {
        return fail(Code::bad_image,
                    fmt::format("{}: member '{}' is no sha256 digest", kWhat, name));
    }
    return digest;
}

Result<ImageConfig> read_config(const json& object) {
    TRY(refuse_unknown(object, kConfigMembers));
    ImageConfig config;
    config.architecture = TRY(json_text(object, "architecture", kWhat));
    config.environment = TRY(json_texts(object, "environment", kWhat));
    config.entrypoint = TRY(json_texts(object, "entrypoint", kWhat));
    config.command = TRY(json_texts(object, "command", kWhat));
    config.workdir = TRY(json_text(object, "workdir", kWhat));
    config.user = TRY(json_text(object, "user", kWhat));
    const json* const labels = TRY(json_member(object, "labels", json::value_t::object, kWhat));
    if (labels != nullptr) {
        for (const auto& item : labels->items()) {
            config.labels[item.key()] = TRY(json_text(*labels, item.key().c_str(), kWhat));
        }
    }
    config.definition = TRY(json_text(object, "definition", kWhat));
    return config;
}

/// The elements of a list of objects; none where there is no such list.
template <typename Item, typename Read>
Result<std::vector<Item>> read_list(const json& object, const char* name, const auto& members,
                                    const Read& read) {
    std::vector<Item> items;
    const json* const list = TRY(json_member(object, name, json::value_t::array, kWhat));
    if (list == nullptr) {
        return items;
    }
    for (const json& item : *list) {
        if (!item.is_object()) {
            return fail(Code::bad_image,
                        fmt::format("{}: member '{}' holds no objects", kWhat, name));
        }
        TRY(refuse_unknown(item, members));
        items.push_back(TRY(read(item)));
    }
    return items;
}

Result<ImageLayer> read_layer(const json& object) {
    return ImageLayer{TRY(digest_member(object, "digest")),
                      TRY(json_number(object, "bytes", kWhat)),
                      TRY(json_text(object, "type", kWhat))};
}

Result<ImageStep> read_step(const json& object) {
    return ImageStep{TRY(json_text(object, "created", kWhat)), TRY(json_text(object, "by", kWhat)),
                     TRY(json_member(object, "empty", json::value_t::boolean, kWhat)) != nullptr};
}

}  // namespace

std::string format_image_document(const ImageDocument& document) {
    const ImageConfig& config = document.config;
    json object = {
        {"version", kVersion},
        {"digest", document.digest},
        {"squashfs", {{"digest", document.squashfs_digest}, {"bytes", document.squashfs_bytes}}},
        {"libc", document.libc},
        {"source", document.source},
        {"created", document.created},
        {"config",
         {{"architecture", config.architecture},
          {"environment", config.environment},
          {"entrypoint", config.entrypoint},
          {"command", config.command},
          {"workdir", config.workdir},
          {"user", config.user},
          {"labels", json(config.labels)}}},
    };
    for (const ImageLayer& layer : document.layers) {
        object["layers"].push_back(
            {{"digest", layer.digest}, {"bytes", layer.bytes}, {"type", layer.media_type}});
    }
    for (const ImageStep& step : document.history) {
        json& item = object["history"].emplace_back(
            json{{"created", step.created}, {"by", step.created_by}});
        if (step.empty) {
            item["empty"] = true;
        }
    }
    if (!config.definition.empty()) {
        object["config"]["definition"] = config.definition;
    }
    // A source path need not be UTF-8, and dump() would throw on it.
    return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<ImageDocument> parse_image_document(std::string_view text) {
    const json object = TRY(formats::parse_json_object(text, kWhat));
    TRY(refuse_unknown(object, kMembers));
    if (TRY(json_number(object, "version", kWhat)) != kVersion) {
        return fail(Code::bad_image, fmt::format("{} is not of version {}", kWhat, kVersion),
                    "another lading wrote it: use that one, or import the image again");
    }
    ImageDocument document;
    document.digest = TRY(digest_member(object, "digest"));
    const json* const squashfs = TRY(json_member(object, "squashfs", json::value_t::object, kWhat));
    const json* const config = TRY(json_member(object, "config", json::value_t::object, kWhat));
    if (squashfs == nullptr || config == nullptr) {
        return fail(Code::bad_image, fmt::format("{} lacks its member '{}'", kWhat,
                                                 squashfs == nullptr ? "squashfs" : "config"));
    }
    TRY(refuse_unknown(*squashfs, kSquashfsMembers));
    document.squashfs_digest = TRY(digest_member(*squashfs, "digest"));
    document.squashfs_bytes = TRY(json_number(*squashfs, "bytes", kWhat));
    document.libc = TRY(json_text(object, "libc", kWhat));
    document.source = TRY(json_text(object, "source", kWhat));
    document.created = TRY(json_text(object, "created", kWhat));
    document.config = TRY(read_config(*config));
    document.layers = TRY(read_list<ImageLayer>(object, "layers", kLayerMembers, read_layer));
    document.history = TRY(read_list<ImageStep>(object, "history", kStepMembers, read_step));
    return document;
}

}  // namespace lading
