// SPDX-License-Identifier: BSD-3-Clause
/// Layers of an image inside what is imported, found and verified by their descriptors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/app/layer_stream.hpp"
#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Bytes within an open file.
struct Blob {
    std::shared_ptr<sys::Fd> file;  ///< shared by the members of one archive
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// Opens a file of a layout, or a member of an archive, by name.
using OpenBlob = std::function<Result<Blob>(const std::string& name)>;

struct Layer {
    Blob blob;
    std::string digest;  ///< that its bytes must have; empty where nothing is known
    std::string name;    ///< for messages
};

struct LayeredSource {
    SourceFacts facts;
    std::vector<Layer> layers;  ///< lowest first
};

/// Which image of a source is wanted.
struct ImageChoice {
    std::string reference;
    std::string architecture;
    bool insist = false;
};

Result<LayeredSource> find_oci_image(const OpenBlob& open, const ImageChoice& choice);
/// Of a directory as `skopeo copy … dir:` writes it: the manifest, and blobs by their digits.
Result<LayeredSource> find_flat_image(const OpenBlob& open, const ImageChoice& choice);
Result<LayeredSource> find_docker_image(const OpenBlob& open, const ImageChoice& choice);

/// The members of an uncompressed tar archive, in place.
Result<OpenBlob> index_archive(std::shared_ptr<sys::Fd> file, const std::string& name);

}  // namespace lading::app
