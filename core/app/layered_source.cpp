// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/layered_source.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "core/formats/digest.hpp"
#include "core/formats/json_limits.hpp"
#include "core/formats/oci_config.hpp"
#include "core/formats/oci_layout.hpp"
#include "core/sys/file.hpp"
#include "core/sys/sha256.hpp"

namespace lading::app {
namespace {

using formats::Descriptor;

/// An index may point to an index; nobody nests them deeper.
constexpr unsigned kMaxIndexDepth = 4;

Result<std::string> read_blob(const Blob& blob, const std::string& name) {
    if (blob.size > formats::kMaxJsonBytes) {
        return fail(Code::bad_image, fmt::format("{} has {} bytes, more than the {} allowed", name,
                                                 blob.size, formats::kMaxJsonBytes));
    }
    std::string bytes(static_cast<std::size_t>(blob.size), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = pread(blob.file->get(), bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(blob.offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return sys::fail_errno(Code::system, fmt::format("cannot read {}", name));
        }
        if (got == 0) {
            return fail(Code::bad_image, fmt::format("{} is cut short", name));
        }
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

constexpr std::string_view kBlobs = "blobs/sha256/";

std::string blob_name(const std::string& digest) {
    return fmt::format("{}{}", kBlobs, formats::digest_hex(digest));
}

Result<Blob> open_described(const OpenBlob& open, const Descriptor& descriptor) {
    const std::string name = blob_name(descriptor.digest);
    Blob blob = TRY(open(name));
    if (blob.size != descriptor.size) {
        return fail(Code::bad_image,
                    fmt::format("{} has {} bytes where its descriptor says {}", name, blob.size,
                                descriptor.size),
                    "copy the image again: it was cut short or changed");
    }
    return blob;
}

Result<std::string> read_described(const OpenBlob& open, const Descriptor& descriptor) {
    const std::string name = blob_name(descriptor.digest);
    std::string bytes = TRY(read_blob(TRY(open_described(open, descriptor)), name));
    sys::Sha256 hash = TRY(sys::Sha256::start());
    hash.add(bytes);
    const std::string digest = TRY(hash.digest());
    if (digest != descriptor.digest) {
        return fail(Code::bad_image, fmt::format("{} is damaged: its digest is {}", name, digest),
                    "copy the image again");
    }
    return bytes;
}

Result<std::string> read_named(const OpenBlob& open, const std::string& name) {
    return read_blob(TRY(open(name)), name);
}

Result<> check_architecture(const ImageConfig& config, const ImageChoice& choice) {
    if (choice.insist && !config.architecture.empty() &&
        config.architecture != choice.architecture) {
        return fail(Code::mismatch, fmt::format("the image is for {}, not for {}",
                                                config.architecture, choice.architecture));
    }
    return {};
}

/// From index.json down to the one manifest that was asked for.
Result<Descriptor> find_manifest(const OpenBlob& open, const ImageChoice& choice) {
    std::string index = TRY(read_named(open, "index.json"));
    std::string reference = choice.reference;
    for (unsigned depth = 0; depth < kMaxIndexDepth; ++depth) {
        Descriptor found = TRY(formats::choose_manifest(TRY(formats::parse_image_index(index)),
                                                        reference, choice.architecture));
        if (!formats::is_index(found)) {
            return found;
        }
        index = TRY(read_described(open, found));
        reference.clear();  // it named this index, and says nothing about what is in it
    }
    return fail(Code::bad_image,
                fmt::format("the image's indices are nested more than {} deep", kMaxIndexDepth));
}

/// What the manifest of that digest describes.
Result<LayeredSource> read_image(const OpenBlob& open, const std::string& digest,
                                 const std::string& bytes, const ImageChoice& choice) {
    const formats::ImageManifest manifest = TRY(formats::parse_image_manifest(bytes));
    LayeredSource source;
    source.facts.digest = digest;
    source.facts.configured = true;
    const std::string config = TRY(read_described(open, manifest.config));
    source.facts.config = TRY(parse_image_config(config));
    source.facts.history = formats::parse_image_history(config);
    TRY(check_architecture(source.facts.config, choice));
    for (const Descriptor& layer : manifest.layers) {
        TRY(formats::check_layer_type(layer));
        source.facts.layers.push_back({layer.digest, layer.size, layer.media_type});
        source.layers.push_back(
            {TRY(open_described(open, layer)), layer.digest, "layer " + blob_name(layer.digest)});
    }
    return source;
}

}  // namespace

Result<LayeredSource> find_oci_image(const OpenBlob& open, const ImageChoice& choice) {
    TRY(formats::check_layout_version(TRY(read_named(open, "oci-layout"))));
    const Descriptor descriptor = TRY(find_manifest(open, choice));
    return read_image(open, descriptor.digest, TRY(read_described(open, descriptor)), choice);
}

Result<LayeredSource> find_flat_image(const OpenBlob& open, const ImageChoice& choice) {
    const std::string manifest = TRY(read_named(open, "manifest.json"));
    sys::Sha256 hash = TRY(sys::Sha256::start());
    hash.add(manifest);
    return read_image([&open](const std::string& name) { return open(name.substr(kBlobs.size())); },
                      TRY(hash.digest()), manifest, choice);
}

Result<LayeredSource> find_docker_image(const OpenBlob& open, const ImageChoice& choice) {
    const formats::DockerImage image = TRY(formats::choose_docker_image(
        TRY(formats::parse_docker_manifest(TRY(read_named(open, "manifest.json")))),
        choice.reference));
    const std::string config = TRY(read_named(open, image.config));
    const std::vector<std::string> digests = TRY(formats::parse_diff_ids(config));
    if (digests.size() != image.layers.size()) {
        return fail(
            Code::bad_image,
            fmt::format("the archive has {} layers where the image's configuration names {}",
                        image.layers.size(), digests.size()));
    }
    LayeredSource source;
    source.facts.configured = true;
    source.facts.config = TRY(parse_image_config(config));
    source.facts.history = formats::parse_image_history(config);
    TRY(check_architecture(source.facts.config, choice));
    for (std::size_t i = 0; i < digests.size(); ++i) {
        Blob blob = TRY(open(image.layers[i]));
        source.facts.layers.push_back({digests[i], blob.size, ""});
        source.layers.push_back({std::move(blob), digests[i], "layer " + image.layers[i]});
    }
    return source;
}

}  // namespace lading::app
