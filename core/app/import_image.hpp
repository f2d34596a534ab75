// SPDX-License-Identifier: BSD-3-Clause
/// Filling a store from a directory, an archive, a squashfs file or an OCI layout.
///
/// Three processes: a reader without privileges parses what is imported and sends entries
/// (source_reader.hpp); this one checks them and writes a tar stream of its own making; tar2sqfs
/// packs it.  Nothing is unpacked to disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/app/import_source.hpp"
#include "lading/image.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct ImportRequest {
    std::string source;        ///< path, with `:REFERENCE` behind it to choose among several images
    ImageName target;          ///< without digest
    std::string store;         ///< its directory
    std::string architecture;  ///< GOARCH value; empty: this machine's, where there is a choice
    std::map<std::string, std::string> labels;  ///< added to the image's own
    std::string blobs;   ///< where `sha256/HEX` are that an OCI layout itself lacks; or empty
    std::string origin;  ///< what the image's document says of its source; empty: the source
    std::function<void(std::uint64_t bytes)>
        progress;  ///< told of content that was packed; or none
};

/// Imports and publishes; the document says what is now in the store.
Result<ImageDocument> import_image(const ImportRequest& request);

/// The same for a source that is open, and says nothing of its image: `claimed` does, of which all
/// but the identity is kept.
Result<ImageDocument> import_from(const ImportRequest& request, ImportSource source,
                                  std::optional<SourceFacts> claimed);

/// GOARCH value of the machine that this program runs on.
std::string host_architecture();

}  // namespace lading::app
