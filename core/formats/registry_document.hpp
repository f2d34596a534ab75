// SPDX-License-Identifier: BSD-3-Clause
/// What a registry answers when it is asked for an image (OCI distribution specification 1.1,
/// "Pulling manifests"): a manifest, or an index of manifests for several architectures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/formats/oci_layout.hpp"
#include "lading/result.hpp"

namespace lading::formats {

struct RegistryDocument {
    std::string media_type;
    std::string chosen;             ///< of an index: the digest of the manifest to ask for
    std::vector<Descriptor> blobs;  ///< of a manifest: its configuration, then its layers
};

Result<RegistryDocument> parse_registry_document(std::string_view json,
                                                 std::string_view architecture);

/// An OCI layout's index.json with nothing but that manifest.
std::string format_layout_index(std::string_view media_type, const std::string& digest,
                                std::uint64_t size);

}  // namespace lading::formats
