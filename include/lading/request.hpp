// SPDX-License-Identifier: BSD-3-Clause
/// What the user asked for, on the command line or by inheritance from the job.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lading/path.hpp"
#include "lading/result.hpp"

namespace lading {

/// A name in a store: `NAME[:TAG][@DIGEST]`, as the OCI distribution specification 1.1 ("Pulling
/// manifests") writes names and tags.  With a digest the tag is decoration.
struct ImageName {
    std::string name;    ///< `atse`, `group/atse`
    std::string tag;     ///< `1.2.4`; `latest` where the user gave neither tag nor digest
    std::string digest;  ///< `sha256:…` (64 lower-case hex digits), or empty
    bool operator==(const ImageName&) const = default;
};

/// An absolute path to a squashfs file or to an unpacked directory.
struct ImagePath {
    HostPath path;
    bool operator==(const ImagePath&) const = default;
};

/// An image in a registry: `docker://[HOST/]REPOSITORY[:TAG][@DIGEST]`, the host and `library/`
/// filled in as docker does.  No node fetches it: what submits the job does, and pins its digest.
struct RegistryImage {
    std::string host;        ///< `registry.example.org:5000`; `docker.io` where the user gave none
    std::string repository;  ///< `group/atse`
    std::string tag;         ///< `latest` where the user gave neither tag nor digest
    std::string digest;      ///< `sha256:…`, or empty
    bool operator==(const RegistryImage&) const = default;
};

/// `--container=none`: this step runs on the bare host although its job has a container.
struct NoImage {
    bool operator==(const NoImage&) const = default;
};

using ImageReference = std::variant<NoImage, ImageName, ImagePath, RegistryImage>;

/// One `SRC:DST[:FLAGS]` of --container-mounts.  The source is opened with the user's rights.
struct MountRequest {
    HostPath source;
    GuestPath target;
    bool read_only = false;
    bool operator==(const MountRequest&) const = default;
};

/// Namespaces that a task takes for itself; all others it shares with the step and the node.
struct Namespaces {
    bool pid = false;
    bool ipc = false;
    bool net = false;
    bool uts = false;
    bool operator==(const Namespaces&) const = default;
};

/// Which of the host's stacks the container is given.
struct Inject {
    enum class What {
        automatic,  ///< what labels and files ask for
        none,
        these,  ///< the demands below and nothing else; what cannot be had is an error
    };
    What what = What::automatic;
    bool mpi = false;
    bool gpu = false;
    bool operator==(const Inject&) const = default;
};

/// What becomes of a step whose image does not fit the host.
enum class OnMismatch {
    refuse,  ///< it does not start
    warn,    ///< it starts without what does not fit, and says so
    none,    ///< likewise, in silence
};

/// The whole request.  An option that was not given is empty, so that the site's default holds.
struct Request {
    std::string text;  ///< the image reference as the user wrote it
    /// What the text says; or the very image that it named at submission, by its digest.
    ImageReference image = NoImage{};
    std::vector<MountRequest> mounts;
    std::optional<GuestPath> workdir;
    std::vector<std::string> environment;  ///< names whose job values beat the image's
    std::optional<bool> writable;
    std::optional<bool> mount_home;
    std::optional<Namespaces> unshare;
    std::optional<Inject> inject;
    std::optional<OnMismatch> on_mismatch;
    std::map<std::string, std::string> labels;  ///< over the image's own
    bool operator==(const Request&) const = default;
};

/// Reads `atse:1.2.4`, `atse@sha256:…`, `/path/image.sqsh`, `docker://host/atse:1.2.4` or `none`.
/// The error's text shows the reference with a caret under the spot.
Result<ImageReference> parse_image_reference(std::string_view text);

/// Is `container` this request's image, as its user wrote it, or by the digest that it has since?
bool names_image(const Request& request, std::string_view container);

/// Canonical text: parse_image_reference(to_string(r)) == r.
std::string to_string(const ImageReference& reference);

/// The name under which a store keeps what was pulled without a name of its own:
/// `registry.example.org/group/atse:1.2.4`, a port's `:` written as `-`.
ImageName stored_name(const RegistryImage& image);

/// Reads the argument of --container-mounts: `SRC:DST[:FLAG[+FLAG…]][,SRC:DST…]` with the flags
/// `ro` and `rw`.  A backslash takes the next character literally, so that `:` and `,` can stand in
/// a path.  `SRC` alone means `SRC:SRC`.  Paths come back without `//`, `/./` and a trailing `/`;
/// `..` is refused, and so is `/` as a target.
Result<std::vector<MountRequest>> parse_mounts(std::string_view text);

/// Reads the argument of --container-env: `NAME[,NAME…]`, each a POSIX environment name.
Result<std::vector<std::string>> parse_environment_names(std::string_view text);

/// Reads the argument of --container-unshare: `pid,ipc,net,uts` in any order.
Result<Namespaces> parse_namespaces(std::string_view text);

/// Reads the argument of --container-workdir: an absolute path without `..` components.
Result<GuestPath> parse_workdir(std::string_view text);

/// Reads the argument of --container-inject: `auto`, `none`, or `mpi,gpu` in any order.
Result<Inject> parse_inject(std::string_view text);
std::string to_string(const Inject& inject);

/// Reads the argument of --container-on-mismatch: `refuse`, `warn` or `none`.
Result<OnMismatch> parse_on_mismatch(std::string_view text);
std::string_view to_string(OnMismatch action);

/// Reads the argument of --container-label: `KEY=VALUE`.
Result<std::pair<std::string, std::string>> parse_label(std::string_view text);

/// One line of JSON that carries a Request from srun to slurmstepd in the job's environment.
/// What comes back through it is the user's input and is checked like an option.
std::string format_request(const Request& request);
Result<Request> parse_request(std::string_view json);

}  // namespace lading
