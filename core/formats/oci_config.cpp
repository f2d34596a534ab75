// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/oci_config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/formats/json_reader.hpp"
#include "core/formats/utf8.hpp"
#include "lading/image.hpp"

namespace lading {
namespace {

using formats::json_member;
using formats::json_text;
using formats::json_texts;
using nlohmann::json;

constexpr std::string_view kWhat = "the image's configuration";

/// docker accepts an `Env` entry without a value, and ignores it when the container starts.
void drop_nameless(std::vector<std::string>& environment) {
    std::erase_if(environment, [](const std::string& entry) {
        const std::size_t equals = entry.find('=');
        return equals == std::string::npos || equals == 0;
    });
}

Result<std::map<std::string, std::string>> parse_labels(const json& config) {
    std::map<std::string, std::string> labels;
    const json* const object = TRY(json_member(config, "Labels", json::value_t::object, kWhat));
    if (object != nullptr) {
        for (const auto& item : object->items()) {
            labels[item.key()] = TRY(json_text(*object, item.key().c_str(), kWhat));
        }
    }
    return labels;
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view text) {
    const json document = TRY(formats::parse_json_object(text, kWhat));
    ImageConfig image;
    image.architecture = TRY(json_text(document, "architecture", kWhat));
    const json* const config = TRY(json_member(document, "config", json::value_t::object, kWhat));
    if (config == nullptr) {
        return image;
    }
    image.environment = TRY(json_texts(*config, "Env", kWhat));
    drop_nameless(image.environment);
    image.entrypoint = TRY(json_texts(*config, "Entrypoint", kWhat));
    image.command = TRY(json_texts(*config, "Cmd", kWhat));
    image.workdir = TRY(json_text(*config, "WorkingDir", kWhat));
    image.user = TRY(json_text(*config, "User", kWhat));
    image.labels = TRY(parse_labels(*config));
    return image;
}

}  // namespace lading

namespace lading::formats {

Result<std::vector<std::string>> parse_diff_ids(std::string_view text) {
    const json document = TRY(parse_json_object(text, kWhat));
    const json* const rootfs = TRY(json_member(document, "rootfs", json::value_t::object, kWhat));
    if (rootfs == nullptr) {
        return std::vector<std::string>();
    }
    std::vector<std::string> digests = TRY(json_texts(*rootfs, "diff_ids", kWhat));
    if (!std::ranges::all_of(digests, is_digest)) {
        return fail(
            Code::bad_image,
            fmt::format("{}: member 'diff_ids' holds something that is no sha256 digest", kWhat));
    }
    return digests;
}

std::vector<ImageStep> parse_image_history(std::string_view text) {
    constexpr std::size_t kMaxSteps = 1000;
    constexpr std::size_t kMaxCommand = 1000;
    constexpr std::size_t kMaxTime = 40;
    std::vector<ImageStep> steps;
    const auto document = parse_json_object(text, kWhat);
    const auto list =
        document ? json_member(*document, "history", json::value_t::array, kWhat) : nullptr;
    if (!list || *list == nullptr) {
        return steps;
    }
    for (const json& item : **list) {
        if (!item.is_object() || steps.size() == kMaxSteps) {
            continue;
        }
        const auto empty = json_member(item, "empty_layer", json::value_t::boolean, kWhat);
        ImageStep step;
        step.created = json_text(item, "created", kWhat).value_or("").substr(0, kMaxTime);
        step.created_by = utf8_prefix(
            repair_utf8(json_text(item, "created_by", kWhat).value_or("")), kMaxCommand);
        step.empty = empty && *empty != nullptr && (*empty)->get<bool>();
        steps.push_back(std::move(step));
    }
    return steps;
}

}  // namespace lading::formats
