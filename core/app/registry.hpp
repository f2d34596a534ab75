// SPDX-License-Identifier: BSD-3-Clause
/// What a registry has of an image, by way of skopeo: its authentication files, mirrors,
/// certificates and policies are the ones that sites know.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/formats/oci_layout.hpp"
#include "core/sys/layer_cache.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// How a registry is asked.
struct RegistryAccess {
    bool anonymous = false;  ///< without the user's credentials: what comes is public
    std::string signatures;  ///< a containers-policy.json(5); empty: the machine's own
};

/// The manifest of an image for one architecture.
struct RegistryManifest {
    std::string bytes;
    std::string digest;
    std::string media_type;
    std::vector<formats::Descriptor> blobs;  ///< its configuration and its layers
};

/// Two requests at most: the tag, and the manifest that an index has for the architecture.
/// Code::not_found, ::refused (credentials) or ::system (network).
Result<RegistryManifest> find_manifest(const RegistryImage& image, const std::string& architecture,
                                       const RegistryAccess& access);

/// Fetches the blobs that the cache lacks, several at once.  `progress` hears several times a
/// second how many bytes of them have arrived.
Result<> fetch_blobs(const RegistryImage& image, const RegistryManifest& manifest,
                     const RegistryAccess& access, const sys::LayerCache& cache,
                     const sys::LayerCache::Incoming& incoming,
                     const std::function<void(std::uint64_t)>& progress);

}  // namespace lading::app
