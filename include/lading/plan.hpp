// SPDX-License-Identifier: BSD-3-Clause
/// The plan: everything that will be done to start a step's tasks in an image, as a value.
///
/// plan_step() decides; the applier does what it says and nothing else; the record keeps it.
/// What was checked, done and recorded can therefore not differ.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lading/host.hpp"
#include "lading/image.hpp"
#include "lading/injection.hpp"
#include "lading/path.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"
#include "lading/site.hpp"

namespace lading {

/// Who asked for an operation: decides whose rights open the source and who is told of a failure.
enum class Origin {
    lading,
    site,
    user,
    stack,  ///< a library of the host's, by a profile of the site
};

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

/// Writes a copy of the host's ld.so that reads kLoaderCache, in the place of the image's.
struct WriteLoader {
    HostPath source;
    GuestPath target;
    bool operator==(const WriteLoader&) const = default;
};

/// Writes that cache.
struct WriteLoaderCache {
    std::map<std::string, std::string> libraries;  ///< soname, path in the container
    bool operator==(const WriteLoaderCache&) const = default;
};

using RootOperation = std::variant<Bind, CopyFile, WriteIdentity, WriteLoader, WriteLoaderCache>;

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

/// Adds the host's libraries to a plan, behind everything else.  What the user or the site has
/// mounted there stays.
void add_injection(const Injection& injection, const Request& request, Plan& plan);

/// Do mounts of the user's or the site's hide the image's system libraries?  Then nothing that its
/// index says holds, and nothing is injected.
bool hides_libraries(const Plan& plan);

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
