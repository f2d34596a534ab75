// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/registry_document.hpp"

#include <fmt/format.h>

#include "core/formats/json_reader.hpp"

namespace lading::formats {
namespace {

using nlohmann::json;

constexpr std::string_view kWhat = "the registry's manifest";

/// OCI's own types may be left out of the document (manifest.md: mediaType "SHOULD be used").
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";

}  // namespace

Result<RegistryDocument> parse_registry_document(std::string_view text,
                                                 std::string_view architecture) {
    const json document = TRY(parse_json_object(text, kWhat));
    RegistryDocument result;
    if (document.contains("manifests")) {
        result.chosen = TRY(choose_manifest(TRY(parse_image_index(text)), "", architecture)).digest;
        return result;
    }
    if (!document.contains("config")) {
        return fail(Code::bad_image,
                    "the registry has this image in docker's first format, or it is no image",
                    "push it again with a tool of this decade (docker 1.10, podman, buildah)");
    }
    result.media_type = TRY(json_text(document, "mediaType", kWhat));
    if (result.media_type.empty()) {
        result.media_type = kManifestType;
    }
    ImageManifest manifest = TRY(parse_image_manifest(text));
    result.blobs.push_back(std::move(manifest.config));
    for (Descriptor& layer : manifest.layers) {
        TRY(check_layer_type(layer));
        result.blobs.push_back(std::move(layer));
    }
    return result;
}

std::string format_layout_index(std::string_view media_type, const std::string& digest,
                                std::uint64_t size) {
    return json{{"schemaVersion", 2},
                {"manifests",
                 json::array({{{"mediaType", media_type}, {"digest", digest}, {"size", size}}})}}
        .dump();
}

}  // namespace lading::formats
