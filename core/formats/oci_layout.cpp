// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/oci_layout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/formats/json_reader.hpp"
#include "lading/image.hpp"

namespace lading::formats {
namespace {

using nlohmann::json;

constexpr const char* kReferenceName = "org.opencontainers.image.ref.name";

constexpr std::string_view kIndexTypes[] = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
};

constexpr std::string_view kManifestTypes[] = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
};

/// What follows these in a media type is the compression, which the bytes themselves say better.
constexpr std::string_view kLayerTypes[] = {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
};

bool is_one_of(const auto& list, std::string_view text) {
    return std::ranges::find(list, text) != std::end(list);
}

Result<Descriptor> read_descriptor(const json& object, std::string_view what) {
    if (!object.is_object()) {
        return fail(Code::bad_image,
                    fmt::format("{}: expected a descriptor, found {}", what, object.type_name()));
    }
    Descriptor descriptor;
    descriptor.media_type = TRY(json_text(object, "mediaType", what));
    descriptor.digest = TRY(json_text(object, "digest", what));
    descriptor.size = TRY(json_number(object, "size", what));
    if (!is_digest(descriptor.digest)) {
        return fail(Code::bad_image, fmt::format("{} points to '{}', which is no sha256 digest",
                                                 what, descriptor.digest.substr(0, 100)));
    }
    const json* const platform = TRY(json_member(object, "platform", json::value_t::object, what));
    if (platform != nullptr) {
        descriptor.os = TRY(json_text(*platform, "os", what));
        descriptor.architecture = TRY(json_text(*platform, "architecture", what));
    }
    const json* const annotations =
        TRY(json_member(object, "annotations", json::value_t::object, what));
    if (annotations != nullptr) {
        descriptor.reference = TRY(json_text(*annotations, kReferenceName, what));
    }
    return descriptor;
}

Result<std::vector<Descriptor>> read_descriptors(const json& object, const char* name,
                                                 std::string_view what) {
    std::vector<Descriptor> list;
    const json* const array = TRY(json_member(object, name, json::value_t::array, what));
    if (array == nullptr) {
        return fail(Code::bad_image, fmt::format("{} lacks its member '{}'", what, name));
    }
    for (const json& item : *array) {
        list.push_back(TRY(read_descriptor(item, what)));
    }
    return list;
}

std::string join(const std::set<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

/// Descriptors of other things than images (signatures, attestations, artifacts) share an index.
bool is_image(const Descriptor& descriptor) {
    return (is_index(descriptor) || is_one_of(kManifestTypes, descriptor.media_type)) &&
           descriptor.architecture != "unknown" &&
           (descriptor.os.empty() || descriptor.os == "linux");
}

}  // namespace

bool is_index(const Descriptor& descriptor) {
    return is_one_of(kIndexTypes, descriptor.media_type);
}

Result<> check_layout_version(std::string_view text) {
    constexpr std::string_view kWhat = "oci-layout";
    const json document = TRY(parse_json_object(text, kWhat));
    const std::string version = TRY(json_text(document, "imageLayoutVersion", kWhat));
    if (version != "1.0.0") {
        return fail(Code::bad_image,
                    fmt::format("{}: version '{}' is not known, 1.0.0 is", kWhat, version));
    }
    return {};
}

Result<std::vector<Descriptor>> parse_image_index(std::string_view text) {
    constexpr std::string_view kWhat = "the image index";
    return read_descriptors(TRY(parse_json_object(text, kWhat)), "manifests", kWhat);
}

Result<ImageManifest> parse_image_manifest(std::string_view text) {
    constexpr std::string_view kWhat = "the image manifest";
    const json document = TRY(parse_json_object(text, kWhat));
    const json* const config = TRY(json_member(document, "config", json::value_t::object, kWhat));
    if (config == nullptr) {
        return fail(Code::bad_image, fmt::format("{} lacks its member 'config'", kWhat));
    }
    ImageManifest manifest;
    manifest.config = TRY(read_descriptor(*config, kWhat));
    manifest.layers = TRY(read_descriptors(document, "layers", kWhat));
    if (manifest.layers.size() > kMaxLayers) {
        return fail(Code::bad_image, fmt::format("{} has {} layers, more than {}", kWhat,
                                                 manifest.layers.size(), kMaxLayers));
    }
    return manifest;
}

Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view text) {
    constexpr std::string_view kWhat = "manifest.json";
    // The document is an array; wrapping it lets the object readers name it in errors.
    const json document = TRY(parse_json_object(fmt::format("{{\"images\":{}}}", text), kWhat));
    const json* const array = TRY(json_member(document, "images", json::value_t::array, kWhat));
    std::vector<DockerImage> images;
    for (const json& item : array != nullptr ? *array : json::array()) {
        if (!item.is_object()) {
            return fail(Code::bad_image,
                        fmt::format("{}: expected an object, found {}", kWhat, item.type_name()));
        }
        DockerImage image;
        image.config = TRY(json_text(item, "Config", kWhat));
        image.tags = TRY(json_texts(item, "RepoTags", kWhat));
        image.layers = TRY(json_texts(item, "Layers", kWhat));
        if (image.layers.size() > kMaxLayers) {
            return fail(Code::bad_image,
                        fmt::format("{} has more than {} layers", kWhat, kMaxLayers));
        }
        images.push_back(std::move(image));
    }
    return images;
}

Result<Descriptor> choose_manifest(const std::vector<Descriptor>& manifests,
                                   std::string_view reference, std::string_view architecture) {
    std::vector<Descriptor> images;
    std::set<std::string> references;
    for (const Descriptor& manifest : manifests) {
        if (!is_image(manifest)) {
            continue;
        }
        references.insert(manifest.reference);
        if (reference.empty() || manifest.reference == reference) {
            images.push_back(manifest);
        }
    }
    if (references.empty()) {
        return fail(Code::bad_image, "the layout holds no Linux image");
    }
    references.erase("");
    if (images.empty()) {
        return fail(Code::not_found, fmt::format("the layout has no image '{}'", reference),
                    references.empty() ? std::string("leave the reference out: its image has none")
                                       : fmt::format("it has: {}", join(references)));
    }
    if (reference.empty() && references.size() > 1) {
        return fail(Code::usage, "the layout holds several images",
                    fmt::format("add one of them to the source, as in SOURCE:{}; it has: {}",
                                *references.begin(), join(references)));
    }
    std::set<std::string> architectures;
    for (const Descriptor& image : images) {
        architectures.insert(image.architecture);
        if (image.architecture == architecture) {
            return image;
        }
    }
    // Without a platform only the image's configuration knows; the importer looks there.
    const auto silent = std::ranges::find(images, "", &Descriptor::architecture);
    if (silent != images.end()) {
        return *silent;
    }
    return fail(Code::mismatch, fmt::format("the image is not there for {}", architecture),
                fmt::format("it is there for {}: choose with --arch", join(architectures)));
}

Result<DockerImage> choose_docker_image(const std::vector<DockerImage>& images,
                                        std::string_view reference) {
    if (images.empty()) {
        return fail(Code::bad_image, "the archive's manifest.json names no image");
    }
    std::set<std::string> tags;
    for (const DockerImage& image : images) {
        tags.insert(image.tags.begin(), image.tags.end());
        if (!reference.empty() && std::ranges::find(image.tags, reference) != image.tags.end()) {
            return image;
        }
    }
    if (!reference.empty()) {
        return fail(Code::not_found, fmt::format("the archive has no image '{}'", reference),
                    tags.empty() ? std::string("leave the reference out: its images have no tags")
                                 : fmt::format("it has: {}", join(tags)));
    }
    if (images.size() > 1) {
        return fail(
            Code::usage, "the archive holds several images",
            fmt::format("add a tag to the source, as in SOURCE:TAG; it has: {}", join(tags)));
    }
    return images.front();
}

Result<> check_layer_type(const Descriptor& layer) {
    const std::string_view type =
        std::string_view(layer.media_type).substr(0, layer.media_type.find('+'));
    // docker writes `.tar.gzip`, OCI `.tar+gzip`.
    constexpr std::string_view kGzip = ".gzip";
    const std::string_view bare =
        type.ends_with(kGzip) ? type.substr(0, type.size() - kGzip.size()) : type;
    if (!is_one_of(kLayerTypes, bare) || layer.media_type.ends_with("+encrypted")) {
        return fail(Code::bad_image,
                    fmt::format("the image has a layer of type '{}', which is no plain file system "
                                "layer",
                                layer.media_type.substr(0, 200)),
                    layer.media_type.ends_with("+encrypted")
                        ? "decrypt the image first (skopeo copy --decryption-key)"
                        : "");
    }
    return {};
}

}  // namespace lading::formats
