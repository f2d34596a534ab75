// SPDX-License-Identifier: BSD-3-Clause
/// What the unprivileged reader of an image's source and the importer say to each other.
///
/// The reader parses hostile bytes, so that the importer believes none of its words: entries are
/// decoded by a parser that is too small to be fooled, and checked before they are used.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/formats/fields.hpp"
#include "core/formats/layer_entry.hpp"
#include "core/sys/fd.hpp"
#include "lading/image.hpp"
#include "lading/result.hpp"

namespace lading::app {

enum class Part : char {
    open = 'O',       ///< reader: asks for a file of the layout, by name; answered by answer
    temporary = 'T',  ///< reader: asks for an unnamed file to write to; answered by answer
    answer = 'A',     ///< importer: a descriptor, or fields of an error
    image = 'I',      ///< reader: identity and configuration
    entry = 'E',      ///< reader: one entry of the flattened image
    content = 'C',    ///< reader: the next bytes of the file that was announced last
    end = 'Z',        ///< reader: all was sent
    error = 'X',      ///< reader: fields of an error, and the end
};

struct ReceivedPart {
    Part part = Part::error;
    std::string bytes;
    std::vector<sys::Fd> descriptors;
};

Result<> send_part(int socket, Part part, std::string_view bytes = {},
                   const std::vector<int>& descriptors = {});
Result<ReceivedPart> receive_part(int socket);

std::string encode_entry(const formats::LayerEntry& entry);
/// Code::internal for an entry that no honest reader sends.
Result<formats::LayerEntry> decode_entry(std::string_view bytes);

/// What the source says about its image.
struct SourceFacts {
    std::string digest;       ///< of the OCI manifest; empty for sources without
    bool configured = false;  ///< by an OCI or Docker configuration, which leaves nothing open
    ImageConfig config;
    std::vector<ImageLayer> layers;
    std::vector<ImageStep> history;
};
std::string encode_facts(const SourceFacts& facts);
Result<SourceFacts> decode_facts(std::string_view bytes);

}  // namespace lading::app
