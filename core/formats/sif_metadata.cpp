// SPDX-License-Identifier: BSD-3-Clause
// What a SIF says of its image, in JSON; declared in sif.hpp.
#include <fmt/format.h>

#include "core/formats/json_reader.hpp"
#include "core/formats/sif.hpp"

namespace lading::formats {
namespace {

using nlohmann::json;

constexpr std::string_view kLabelsName = "the SIF's labels";
constexpr std::string_view kMetadataName = "the SIF's metadata";

Result<> add_labels(const json& object, std::string_view what, ImageConfig& config) {
    for (const auto& item : object.items()) {
        config.labels[item.key()] = TRY(json_text(object, item.key().c_str(), what));
    }
    return {};
}

}  // namespace

Result<> add_sif_labels(std::string_view text, ImageConfig& config) {
    return add_labels(TRY(parse_json_object(text, kLabelsName)), kLabelsName, config);
}

Result<> add_sif_metadata(std::string_view text, ImageConfig& config) {
    const json document = TRY(parse_json_object(text, kMetadataName));
    const json* const data =
        TRY(json_member(document, "data", json::value_t::object, kMetadataName));
    const json* const attributes =
        data == nullptr
            ? nullptr
            : TRY(json_member(*data, "attributes", json::value_t::object, kMetadataName));
    if (attributes == nullptr) {
        return {};
    }
    const json* const labels =
        TRY(json_member(*attributes, "labels", json::value_t::object, kMetadataName));
    if (labels != nullptr) {
        TRY(add_labels(*labels, kMetadataName, config));
    }
    if (config.definition.empty()) {
        config.definition = TRY(json_text(*attributes, "deffile", kMetadataName));
    }
    return {};
}

Result<> add_sif_oci(std::string_view text, ImageConfig& config) {
    // It has the members that are below `config` in an OCI image's configuration.
    TRY(parse_json_object(text, "the SIF's OCI configuration").map([](const auto&) {}));
    ImageConfig found = TRY(parse_image_config(fmt::format(R"({{"config":{}}})", text)));
    config.environment = std::move(found.environment);
    config.entrypoint = std::move(found.entrypoint);
    config.command = std::move(found.command);
    config.workdir = std::move(found.workdir);
    config.user = std::move(found.user);
    config.labels.merge(found.labels);
    return {};
}

}  // namespace lading::formats
