// SPDX-License-Identifier: BSD-3-Clause
/// OCI image layouts (image specification 1.1: image-layout.md, image-index.md, manifest.md) and
/// the manifest.json of docker's archives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

/// Points to content by its digest.
struct Descriptor {
    std::string media_type;
    std::string digest;
    std::uint64_t size = 0;
    std::string os;            ///< of `platform`; empty where it is not said
    std::string architecture;  ///< likewise, a GOARCH value
    std::string reference;     ///< annotation org.opencontainers.image.ref.name
    bool operator==(const Descriptor&) const = default;
};

struct ImageManifest {
    Descriptor config;
    std::vector<Descriptor> layers;  ///< lowest first
};

/// One image of a docker archive.
struct DockerImage {
    std::string config;  ///< the member's name
    std::vector<std::string> tags;
    std::vector<std::string> layers;  ///< members' names, lowest first
};

inline constexpr std::size_t kMaxLayers = 1024;  ///< docker itself stops at 128

/// The file `oci-layout`: only version 1.0.0 is known.
Result<> check_layout_version(std::string_view json);

/// index.json, or an index that it points to.
Result<std::vector<Descriptor>> parse_image_index(std::string_view json);
Result<ImageManifest> parse_image_manifest(std::string_view json);
Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view json);

/// Is this an index (or docker's manifest list) that points to further manifests?
bool is_index(const Descriptor& descriptor);

/// The descriptor for `reference` (empty: the only one that there is) and `architecture`.
/// Code::not_found for an unknown or missing reference, Code::mismatch for an architecture that
/// the image is not there for; both name what there is.
Result<Descriptor> choose_manifest(const std::vector<Descriptor>& manifests,
                                   std::string_view reference, std::string_view architecture);

/// The image of a docker archive that has the tag `reference`, or the only one.
Result<DockerImage> choose_docker_image(const std::vector<DockerImage>& images,
                                        std::string_view reference);

/// Code::bad_image for a layer that is no tar archive (encrypted, a Helm chart, a model).
Result<> check_layer_type(const Descriptor& layer);

}  // namespace lading::formats
