// SPDX-License-Identifier: BSD-3-Clause
/// What is known about an image.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lading/path.hpp"
#include "lading/result.hpp"

namespace lading {

/// The part of an OCI image configuration that matters at launch (OCI image specification 1.1,
/// config.md).  An image that never had one (a bare directory) leaves all of it empty.
struct ImageConfig {
    std::string architecture;              ///< GOARCH value: `amd64`, `arm64`
    std::vector<std::string> environment;  ///< `NAME=value`
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;
    std::string workdir;
    std::string user;
    std::map<std::string, std::string> labels;
    std::string definition;  ///< a SIF's definition file: what the image was built from
    bool operator==(const ImageConfig&) const = default;
};

/// One of the archives that an OCI image is made of.
struct ImageLayer {
    std::string digest;
    std::uint64_t bytes = 0;
    std::string media_type;  ///< empty in docker's archives
    bool operator==(const ImageLayer&) const = default;
};

/// How one of them was made, as the image says (OCI image specification 1.1, config.md, `history`).
struct ImageStep {
    std::string created;     ///< RFC 3339
    std::string created_by;  ///< the command
    bool empty = false;      ///< it made no layer
    bool operator==(const ImageStep&) const = default;
};

/// The document that a store keeps beside an image's squashfs file, published with it.
struct ImageDocument {
    std::string digest;           ///< identity: OCI manifest digest, else the squashfs file's own
    std::string squashfs_digest;  ///< `sha256:…` of the file that is mounted
    std::uint64_t squashfs_bytes = 0;
    std::string libc;     ///< `glibc 2.36`, `musl`, or empty when none was found
    std::string source;   ///< what was imported, as the importer named it
    std::string created;  ///< time of the import, RFC 3339 UTC
    ImageConfig config;
    std::vector<ImageLayer>
        layers;  ///< lowest first; none of a source without, or of an old import
    std::vector<ImageStep> history;  ///< likewise, the oldest first
    bool operator==(const ImageDocument&) const = default;
};

/// How an image's squashfs file may be mounted.
enum class MountBy {
    automatic,   ///< by the kernel where only root could have written it, else by squashfuse
    kernel,      ///< by the kernel always: the site knowingly trusts what users write
    squashfuse,  ///< by squashfuse always, running as the job's user
};

/// What the reader of an image found out at launch; the file itself travels as a descriptor.
struct ImageFacts {
    enum class Kind { squashfs, directory };
    Kind kind = Kind::squashfs;
    std::string reference;                  ///< as the user wrote it
    HostPath origin;                        ///< the file or directory that was opened
    MountBy mount_by = MountBy::automatic;  ///< the configuration's word for where it was found
    bool kernel_may_parse =
        false;               ///< nobody but root or the service account could have written it
    ImageDocument document;  ///< digest is empty for a bare path
};

/// Reads an OCI image configuration (application/vnd.oci.image.config.v1+json, or Docker's
/// application/vnd.docker.container.image.v1+json, which has the same members).
Result<ImageConfig> parse_image_config(std::string_view json);

/// The document's JSON, and back.  Unknown members are refused: a store is written by lading alone.
std::string format_image_document(const ImageDocument& document);
Result<ImageDocument> parse_image_document(std::string_view json);

/// `sha256:` and 64 lower-case hex digits (OCI image specification 1.1, descriptor.md).
bool is_digest(std::string_view text);

}  // namespace lading
