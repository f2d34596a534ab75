// SPDX-License-Identifier: BSD-3-Clause
/// The plan: everything that will be done to start a step's tasks in an image, as a value.
///
/// plan_step() decides; the applier does what it says and nothing else; the record keeps it.
/// What was checked, done and recorded can therefore not differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lading/host.hpp"
#include "lading/image.hpp"
#include "lading/path.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"
#include "lading/site.hpp"

namespace lading {

/// Who asked for an operation: decides whose rights open the source and who is told of a failure.
enum class Origin { lading, site, user };

/// Binds a host file or directory, with everything mounted below it.
struct Bind {
    HostPath source;
    GuestPath target;
    bool read_only = false;
    bool required = true;  ///< a missing source is an error; otherwise it is left out
    Origin origin = Origin::lading;
    bool operator==(const Bind&) const = default;
};

/// Replaces a file of the image by the host's copy of the same name, as it is at the step's start.
struct CopyFile {
    HostPath source;
    GuestPath target;
    bool operator==(const CopyFile&) const = default;
};

/// Writes /etc/passwd and /etc/group: the image's own lines, then those of the job's user.
struct WriteIdentity {
    bool operator==(const WriteIdentity&) const = default;
};

using RootOperation = std::variant<Bind, CopyFile, WriteIdentity>;

/// Changes to a step's environment, in order.
struct EnvironmentEdit {
    std::string name;
    std::optional<std::string> value;  ///< empty: the variable is removed
    bool operator==(const EnvironmentEdit&) const = default;
};

struct Plan {
    MountBy mount_by = MountBy::kernel;  ///< never `automatic`
    bool writable = false;
    std::uint64_t scratch_bytes = 0;        ///< bound of the overlay's tmpfs
    std::vector<RootOperation> operations;  ///< in the order in which they are applied
    std::vector<EnvironmentEdit> environment;
    std::vector<GuestPath> working_directories;  ///< the first that exists is entered
    Namespaces unshare;                          ///< by every task for itself
    std::string seccomp;                         ///< `default`, `none`, or a profile's path
};

/// Decides how a step runs in an image.  Pure: reads no file, environment variable or clock.
/// Errors: Code::refused for a mount that the site forbids, Code::mismatch for an image of another
/// architecture.
Result<Plan> plan_step(const Request& request, const ImageFacts& image, const HostFacts& host,
                       const SiteConfig& site);

/// Is `path` equal to `prefix` or below it?  Compares whole components, never characters:
/// `/data` does not cover `/database`.  Both are absolute and free of `.` and `..`.
bool path_covers(std::string_view prefix, std::string_view path);

/// The site's word on a bind source after its symbolic links have been resolved: the descriptor's
/// own path, which is what will be mounted.  Code::refused where the site forbids it.
Result<> check_resolved_source(const Bind& bind, const HostPath& resolved, const SiteConfig& site);

/// The same for a bind's target, after the image's symbolic links have been resolved inside the
/// root: an image's `/x -> /proc` must not open what the policy closes.
Result<> check_resolved_target(const Bind& bind, const GuestPath& resolved, const SiteConfig& site);

/// /etc/passwd and /etc/group for the container: the image's lines, less those that claim the
/// user's names or ids, then the user's.  Lines that are not well-formed are dropped.
struct IdentityFiles {
    std::string passwd;
    std::string group;
};
IdentityFiles plan_identity(const User& user, std::string_view image_passwd,
                            std::string_view image_group);

}  // namespace lading
