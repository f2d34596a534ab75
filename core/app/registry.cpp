// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/registry.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/formats/digest.hpp"
#include "core/formats/fields.hpp"
#include "core/formats/json_limits.hpp"
#include "core/formats/registry_document.hpp"
#include "core/formats/skopeo_message.hpp"
#include "core/sys/child.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/sha256.hpp"
#include "core/sys/unprivileged.hpp"
#include "lading/image.hpp"

namespace lading::app {
namespace {

using formats::Descriptor;

constexpr int kTickMilliseconds = 100;
constexpr const char* kRetries = "3";

/// What skopeo may know of the caller: where his credentials and settings lie, and how he reaches
/// the network.  PATH: credential helpers are found by it.
constexpr const char* kVariables[] = {
    "HOME",
    "USER",
    "PATH",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "REGISTRY_AUTH_FILE",
    "DOCKER_CONFIG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CONTAINERS_CONF",
    "CONTAINERS_REGISTRIES_CONF",
};

std::vector<std::string> skopeo_environment() {
    std::vector<std::string> environment = {"LC_ALL=C.UTF-8"};
    for (const char* const name : kVariables) {
        if (const char* const value = std::getenv(name)) {
            environment.push_back(fmt::format("{}={}", name, value));
        }
    }
    return environment;
}

/// By digest where it is known: what a tag points to may change between two requests.
std::string address(const RegistryImage& image, const std::string& digest) {
    return digest.empty()
               ? fmt::format("docker://{}/{}:{}", image.host, image.repository, image.tag)
               : fmt::format("docker://{}/{}@{}", image.host, image.repository, digest);
}

Result<sys::ChildSpec> skopeo(std::vector<std::string> arguments) {
    sys::ChildSpec spec;
    spec.program = TRY(sys::find_program("skopeo", "skopeo"));
    spec.arguments = std::move(arguments);
    spec.environment = skopeo_environment();
    spec.dies_with_parent = true;
    return spec;
}

tl::unexpected<Error> skopeo_failed(const RegistryImage& image, const std::string& said) {
    return tl::unexpected<Error>(formats::explain_skopeo(said, image));
}

/// The bytes of a manifest, of which its digest is made; or of its configuration.
Result<std::string> inspect(const RegistryImage& image, const std::string& digest,
                            const RegistryAccess& access, bool config = false) {
    std::vector<std::string> arguments = {"inspect", "--raw", "--retry-times", kRetries};
    if (config) {
        arguments.push_back("--config");
    }
    if (access.anonymous) {
        arguments.push_back("--no-creds");
    }
    arguments.push_back(address(image, digest));
    const sys::ChildOutput ended =
        TRY(sys::run_child(TRY(skopeo(std::move(arguments))), formats::kMaxJsonBytes + 1));
    if (ended.status != 0) {
        return skopeo_failed(image, ended.error);
    }
    if (ended.output.size() > formats::kMaxJsonBytes) {
        return fail(Code::bad_image, fmt::format("the {} of {} has more than {} bytes",
                                                 config ? "configuration" : "manifest",
                                                 to_string(image), formats::kMaxJsonBytes));
    }
    return ended.output;
}

Result<std::string> digest_of(std::string_view bytes) {
    sys::Sha256 hash = TRY(sys::Sha256::start());
    hash.add(bytes);
    return hash.digest();
}

void add_descriptor(formats::Fields& fields, std::string_view name, const Descriptor& descriptor) {
    fields.add(name, descriptor.media_type);
    fields.add("digest", descriptor.digest);
    fields.add("size", descriptor.size);
}

/// What the registry's JSON says: either the manifest to ask for next, or this one's blobs.
formats::Fields describe(const formats::RegistryDocument& document) {
    formats::Fields fields;
    fields.add("type", document.media_type);
    fields.add("chosen", document.chosen);
    for (const Descriptor& blob : document.blobs) {
        add_descriptor(fields, "blob", blob);
    }
    return fields;
}

Result<formats::RegistryDocument> understand(const formats::Fields& fields) {
    formats::RegistryDocument document;
    document.media_type = fields.get("type");
    document.chosen = fields.get("chosen");
    const std::vector<std::string> types = fields.all("blob");
    const std::vector<std::string> digests = fields.all("digest");
    const std::vector<std::string> sizes = fields.all("size");
    bool honest = digests.size() == types.size() && sizes.size() == types.size() &&
                  (document.chosen.empty() || is_digest(document.chosen));
    for (std::size_t i = 0; honest && i < types.size(); ++i) {
        Descriptor blob;
        blob.media_type = types[i];
        blob.digest = digests[i];
        blob.size = std::strtoull(sizes[i].c_str(), nullptr, 10);
        honest = is_digest(blob.digest);
        document.blobs.push_back(std::move(blob));
    }
    if (!honest) {
        return fail(Code::internal, "the reader of the manifest said what none says");
    }
    return document;
}

/// Hostile JSON is parsed by a child that has nothing to lose, whoever pulls.
Result<formats::RegistryDocument> parse_unprivileged(const std::string& bytes,
                                                     const std::string& architecture) {
    const sys::Fd answer = TRY(sys::message_file());
    sys::Child child = TRY(sys::start_unprivileged({answer.get()}, [&]() -> int {
        formats::Fields fields;
        if (const auto document = formats::parse_registry_document(bytes, architecture)) {
            fields = describe(*document);
        } else {
            formats::add_error(fields, document.error());
        }
        return sys::write_all(answer.get(), formats::encode_fields(fields), "the answer") ? 0 : 1;
    }));
    const int status = TRY(child.wait());
    const auto fields =
        formats::decode_fields(sys::read_start(answer.get(), formats::kMaxJsonBytes));
    if (status != 0 || !fields) {
        return fail(Code::bad_image, "the registry's manifest could not be read");
    }
    TRY(formats::check_error(*fields));
    return understand(*fields);
}

/// Bytes of the files in a directory: skopeo chooses their names.
std::uint64_t bytes_in(int directory) {
    std::uint64_t sum = 0;
    const auto names = sys::directory_names(directory, "the layers");
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
        struct stat status {};
        if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode)) {
            sum += static_cast<std::uint64_t>(status.st_size);
        }
    }
    return sum;
}

Result<sys::Fd> make_area(const sys::LayerCache::Incoming& incoming, const char* name) {
    sys::Fd made;
    if (mkdirat(incoming.directory(), name, 0700) == 0) {
        made = sys::open_beneath(incoming.directory(), name, O_RDONLY | O_DIRECTORY);
    }
    if (!made.valid()) {
        return sys::fail_errno(Code::system,
                               fmt::format("cannot make {}/{}", incoming.path(), name));
    }
    return made;
}

/// skopeo translates the configuration of a docker manifest; the manifest names the original.
Result<> restore_config(const RegistryImage& image, const RegistryManifest& manifest,
                        const RegistryAccess& access, int directory) {
    const std::string name(formats::digest_hex(manifest.blobs.front().digest));
    if (faccessat(directory, name.c_str(), F_OK, 0) == 0) {
        return {};
    }
    const std::string config = TRY(inspect(image, manifest.digest, access, true));
    const sys::Fd file = sys::open_beneath(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file.valid()) {
        return sys::fail_errno(Code::system, "cannot write the image's configuration");
    }
    return sys::write_all(file.get(), config, "the image's configuration");
}

}  // namespace

Result<RegistryManifest> find_manifest(const RegistryImage& image, const std::string& architecture,
                                       const RegistryAccess& access) {
    RegistryManifest manifest;
    manifest.digest = image.digest;
    for (unsigned depth = 0; depth < 2; ++depth) {
        manifest.bytes = TRY(inspect(image, manifest.digest, access));
        const std::string digest = TRY(digest_of(manifest.bytes));
        if (!manifest.digest.empty() && digest != manifest.digest) {
            return fail(Code::bad_image,
                        fmt::format("{} gave other bytes for {}: their digest is {}", image.host,
                                    manifest.digest, digest));
        }
        manifest.digest = digest;
        formats::RegistryDocument document = TRY(parse_unprivileged(manifest.bytes, architecture));
        if (document.chosen.empty()) {
            manifest.media_type = std::move(document.media_type);
            manifest.blobs = std::move(document.blobs);
            return manifest;
        }
        manifest.digest = std::move(document.chosen);
    }
    return fail(Code::bad_image,
                fmt::format("{}: an index that points to an index", to_string(image)));
}

Result<> fetch_blobs(const RegistryImage& image, const RegistryManifest& manifest,
                     const RegistryAccess& access, const sys::LayerCache& cache,
                     const sys::LayerCache::Incoming& incoming,
                     const std::function<void(std::uint64_t)>& progress) {
    const sys::Fd fetch = TRY(make_area(incoming, "fetch"));
    TRY(make_area(incoming, "blobs"));
    const sys::Fd arrived = TRY(make_area(incoming, "blobs/sha256"));
    for (const Descriptor& blob : manifest.blobs) {
        if (cache.size_of(blob.digest) == blob.size) {
            TRY(cache.lend(blob.digest, arrived.get()));
        }
    }
    // An OCI layout whose blobs lie elsewhere: what is there is not fetched again, and what comes
    // is put there whole.  Its manifest may be a translation of docker's, and is not used.
    std::vector<std::string> arguments = {"copy",
                                          "--quiet",
                                          "--retry-times",
                                          kRetries,
                                          "--dest-shared-blob-dir",
                                          incoming.path() + "/blobs",
                                          "--dest-oci-accept-uncompressed-layers"};
    if (access.anonymous) {
        arguments.push_back("--src-no-creds");
    }
    if (!access.signatures.empty()) {
        arguments.insert(arguments.begin(), {"--policy", access.signatures});
    }
    arguments.push_back(address(image, manifest.digest));
    arguments.push_back(fmt::format("oci:{}/fetch:image", incoming.path()));
    const sys::Fd messages = TRY(sys::message_file());
    sys::ChildSpec spec = TRY(skopeo(std::move(arguments)));
    spec.error = messages.get();
    sys::Child child = TRY(sys::start_child(spec));
    while (!child.ends_within(kTickMilliseconds)) {
        progress(bytes_in(fetch.get()) + bytes_in(arrived.get()));
    }
    if (TRY(child.wait()) != 0) {
        return skopeo_failed(image, sys::read_start(messages.get(), formats::kMaxJsonBytes));
    }
    TRY(restore_config(image, manifest, access, arrived.get()));
    for (const Descriptor& blob : manifest.blobs) {
        TRY(cache.keep(blob.digest, arrived.get()));
    }
    return {};
}

}  // namespace lading::app
