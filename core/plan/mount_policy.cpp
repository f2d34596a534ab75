// SPDX-License-Identifier: BSD-3-Clause
#include "core/plan/mount_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace lading::plan {
namespace {

/// Targets that no configuration opens.  Few: what a user mounts in his own container, without a
/// privilege in it, hurts nobody else, so that only what lading itself relies on is kept.
///
/// - /proc: whoever works there for the tasks must see the kernel's own files; a forged one has
///   misled runtimes into writing elsewhere (runc CVE-2019-19921, CVE-2025-52881).
/// - /run/lading: where lading shows what it put into the container; the record speaks of it.
///
/// Deliberately open: /dev and /sys (a forged device list or topology misleads the user's own
/// programs alone, and binding another /dev/shm is useful), /etc/passwd and /etc/group (nothing
/// with a privilege reads them: set-uid files are inert, and ids come from Slurm).
constexpr const char* kReserved[] = {"/proc", "/run/lading"};

/// The reserved or forbidden path that stands against the target; empty where none does.
std::string obstacle(std::string_view target, const SiteConfig& site) {
    for (const char* const path : kReserved) {
        if (path_covers(path, target)) {
            return path;
        }
    }
    for (const GuestPath& path : site.forbidden_targets) {
        if (path_covers(path.value, target) || path_covers(target, path.value)) {
            return path.value;
        }
    }
    // The root is no mount point: nothing would be left of the container.
    return target == "/" ? "/" : "";
}

const HostPath* forbidden_source(std::string_view source, const SiteConfig& site) {
    const auto found = std::ranges::find_if(site.forbidden_sources, [&](const HostPath& path) {
        return path_covers(path.value, source) || path_covers(source, path.value);
    });
    return found == site.forbidden_sources.end() ? nullptr : &*found;
}

/// `asked`, and where it leads if that is somewhere else.
std::string via(const std::string& asked, const std::string& resolved) {
    return asked == resolved ? asked : fmt::format("{} (which is {})", asked, resolved);
}

Result<> check_source(const std::string& asked, const std::string& resolved,
                      const SiteConfig& site) {
    const HostPath* const forbidden = forbidden_source(resolved, site);
    if (forbidden == nullptr) {
        return {};
    }
    const bool inside = path_covers(forbidden->value, resolved);
    return fail(Code::refused,
                inside ? fmt::format("this site forbids to bind {}", via(asked, resolved))
                       : fmt::format("this site forbids to bind {}, which holds {}",
                                     via(asked, resolved), forbidden->value),
                inside ? "ask the administrator, or copy what you need to another directory"
                       : "bind the directories below it that you need, one by one");
}

Result<> check_target(const std::string& asked, const std::string& resolved,
                      const SiteConfig& site) {
    const std::string path = obstacle(resolved, site);
    if (path.empty()) {
        return {};
    }
    const bool hides = path != resolved && path_covers(resolved, path);
    return fail(Code::refused,
                fmt::format("nothing may be mounted over {}{}{}", via(asked, resolved),
                            hides              ? ", which would hide "
                            : path == resolved ? ""
                                               : ", which lies below ",
                            path == resolved ? "" : path),
                "choose another target for the mount");
}

}  // namespace

bool is_forbidden_source(std::string_view source, const SiteConfig& site) {
    return forbidden_source(source, site) != nullptr;
}

bool is_forbidden_target(std::string_view target, const SiteConfig& site) {
    return !obstacle(target, site).empty();
}

Result<> check_mount_request(const MountRequest& mount, const SiteConfig& site) {
    TRY(check_source(mount.source.value, mount.source.value, site));
    return check_target(mount.target.value, mount.target.value, site);
}

}  // namespace lading::plan

namespace lading {

Result<> check_resolved_source(const Bind& bind, const HostPath& resolved, const SiteConfig& site) {
    return plan::check_source(bind.source.value, resolved.value, site);
}

Result<> check_resolved_target(const Bind& bind, const GuestPath& resolved,
                               const SiteConfig& site) {
    if (bind.origin == Origin::stack) {
        // The site's own wish, but the image decides where its links lead.
        return path_covers("/proc", resolved.value)
                   ? plan::check_target(bind.target.value, resolved.value, {})
                   : Result<>();
    }
    return plan::check_target(bind.target.value, resolved.value, site);
}

}  // namespace lading
