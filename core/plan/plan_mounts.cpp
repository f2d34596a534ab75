// SPDX-License-Identifier: BSD-3-Clause
#include "core/plan/plan_mounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/formats/absolute_path.hpp"
#include "core/plan/mount_policy.hpp"

namespace lading::plan {
namespace {

enum class Need { required, optional };
enum class Access { read_only, read_write };

struct DefaultMount {
    const char* path;
    Access access;
    Need need;
};

/// What every container shows of its node.
constexpr DefaultMount kDefaultMounts[] = {
    // Writable, as without a container: programs set their own oom_score_adj, comm, …  A task with
    // a PID namespace of its own mounts its own over it.
    {"/proc", Access::read_write, Need::required},
    // Topology for hwloc and UCX; with it the cgroups, which tasks only read.
    {"/sys", Access::read_only, Need::required},
    // As a whole: GPUs, fabrics, /dev/shm and /dev/pts.  The device cgroup decides what opens.
    {"/dev", Access::read_write, Need::required},
    // Ranks and steps of a job meet in them; job_container/tmpfs may make them private.
    {"/tmp", Access::read_write, Need::required},
    {"/var/tmp", Access::read_write, Need::optional},
};

/// Names resolve in the container as they do on the node.
constexpr const char* kCopiedFiles[] = {"/etc/resolv.conf", "/etc/hosts"};

enum class Holds {
    image,  ///< what makes the image itself: binding over it would run the host's instead
    node,   ///< state of the node's own, sockets of its daemons included
};

struct SystemDirectory {
    const char* path;
    Holds holds;
};

/// A job that stands below one of these on the host gets the image's directory, or none.
constexpr SystemDirectory kSystemDirectories[] = {
    {"/usr", Holds::image},    {"/bin", Holds::image},
    {"/sbin", Holds::image},   {"/lib", Holds::image},
    {"/lib32", Holds::image},  {"/lib64", Holds::image},
    {"/libx32", Holds::image}, {"/etc", Holds::image},
    {"/opt", Holds::image},  // images install there; a site's /opt is for $.mounts.add to show
    {"/boot", Holds::node},    {"/dev", Holds::node},  // bound already, like the two below
    {"/proc", Holds::node},    {"/sys", Holds::node},
    {"/run", Holds::node},  // munge, dbus, the container engines
    {"/var", Holds::node},  // spools and databases, and the image's own package database
};

/// Below the directories above, but the users' nevertheless.
constexpr const char* kUserDirectories[] = {
    "/var/tmp",   // bound already
    "/var/home",  // where hosts built by OSTree keep /home
};

bool is_system(std::string_view path) {
    const auto covers = [&](const char* directory) { return path_covers(directory, path); };
    return path == "/" || (std::ranges::none_of(kUserDirectories, covers) &&
                           std::ranges::any_of(kSystemDirectories, covers, &SystemDirectory::path));
}

bool belongs_to_image(std::string_view path) {
    return std::ranges::any_of(kSystemDirectories, [&](const SystemDirectory& directory) {
        return directory.holds == Holds::image && path_covers(directory.path, path);
    });
}

/// What the host says of itself may be relative, empty or oddly written; then there is no bind.
std::optional<std::string> clean(const std::string& path) {
    auto cleaned = formats::clean_absolute_path(path);
    return cleaned ? std::optional(std::move(*cleaned)) : std::nullopt;
}

/// `/a` before `/a/b` before `/a-b`: parents first, so that no mount hides an earlier one.
bool parents_first(const Bind& left, const Bind& right) {
    return std::ranges::lexicographical_compare(
        left.target.value, right.target.value,
        [](char a, char b) { return (a == '/' ? '\0' : a) < (b == '/' ? '\0' : b); });
}

/// The binds so far, those that win first.
class Mounts {
  public:
    void add(Bind bind) {
        if (!std::ranges::any_of(binds_, [&](const Bind& b) { return b.target == bind.target; })) {
            binds_.push_back(std::move(bind));
        }
    }

    /// lading's own binds: left out where another one shows the same already, and, if they are
    /// not needed, where the user or the site has decided what lies there.
    void add_own(Bind bind) {
        const Bind* const around = deepest_around(bind.target.value);
        if (around != nullptr) {
            const bool shown =
                around->source.value + bind.target.value.substr(around->target.value.size()) ==
                bind.source.value;
            if (shown || (!bind.required && around->origin != Origin::lading)) {
                return;
            }
        }
        add(std::move(bind));
    }

    /// Is there a bind of the user's or the site's at or above the path?
    bool decided(std::string_view path) const {
        const Bind* const around = deepest_around(path);
        return around != nullptr && around->origin != Origin::lading;
    }

    std::vector<Bind> sorted() && {
        std::ranges::sort(binds_, parents_first);
        return std::move(binds_);
    }

  private:
    const Bind* deepest_around(std::string_view path) const {
        const Bind* deepest = nullptr;
        for (const Bind& bind : binds_) {
            if (path_covers(bind.target.value, path) &&
                (deepest == nullptr || deepest->target.value.size() < bind.target.value.size())) {
                deepest = &bind;
            }
        }
        return deepest;
    }

    std::vector<Bind> binds_;
};

Result<> add_user_mounts(const Request& request, const SiteConfig& site, Mounts& mounts) {
    if (!request.mounts.empty() && !site.user_mounts) {
        return fail(Code::refused, "--container-mounts: this site forbids users to bind anything",
                    "ask the administrator to add the mount to the site's configuration");
    }
    for (auto mount = request.mounts.begin(); mount != request.mounts.end(); ++mount) {
        if (const auto checked = check_mount_request(*mount, site); !checked) {
            return fail(checked.error().code, "--container-mounts: " + checked.error().what,
                        checked.error().hint);
        }
        const auto same = std::find_if(request.mounts.begin(), mount, [&](const auto& other) {
            return other.target == mount->target;
        });
        if (same != mount && *same != *mount) {
            return fail(Code::usage,
                        fmt::format("--container-mounts: {} and {} are both mounted on {}",
                                    same->source.value, mount->source.value, mount->target.value),
                        "give each mount a target of its own");
        }
        mounts.add({mount->source, mount->target, mount->read_only, true, Origin::user});
    }
    return {};
}

/// The home directory is the name service's word, not the user's; but a site that forbids to bind
/// it must not be tricked into it by asking for the home.
Result<> add_home(const Request& request, const HostFacts& host, const SiteConfig& site,
                  Mounts& mounts) {
    const std::optional<std::string> home = clean(host.user.home);
    if (!request.mount_home.value_or(site.mount_home) || !home || is_system(*home)) {
        return {};
    }
    const bool asked = request.mount_home.value_or(false);
    const Bind bind{{*home}, {*home}, false, false, asked ? Origin::user : Origin::lading};
    if (is_forbidden_source(*home, site) || is_forbidden_target(*home, site)) {
        return asked ? fail(Code::refused,
                            fmt::format("--container-mount-home: this site forbids to bind {}",
                                        *home),
                            "leave the option out")
                     : Result<>();
    }
    mounts.add_own(bind);
    return {};
}

/// Where the PMI server listens is read from the job's environment, which the user writes: the
/// site's policy holds, and the image stays the image.
Result<> add_pmi_directories(const HostFacts& host, const SiteConfig& site, Mounts& mounts) {
    for (const HostPath& directory : host.pmi_directories) {
        const std::optional<std::string> path = clean(directory.value);
        if (!path || belongs_to_image(*path)) {
            continue;
        }
        if (is_forbidden_source(*path, site) || is_forbidden_target(*path, site)) {
            return fail(Code::refused,
                        fmt::format("this site forbids to bind {}, where this step's PMI server "
                                    "listens",
                                    *path),
                        "an administrator takes it out of $.mounts.forbid_sources or "
                        "forbid_targets in lading.json; until then use --mpi=none");
        }
        mounts.add_own({{*path}, {*path}, false, false, Origin::user});
    }
    return {};
}

/// Slurm executes its own copy of a batch script, in slurmd's spool directory.
void add_batch_script(const StepFacts& step, Mounts& mounts) {
    if (!step.batch || step.argv.empty()) {
        return;
    }
    if (const std::optional<std::string> script = clean(step.argv.front())) {
        mounts.add_own({{*script}, {*script}, true, true, Origin::lading});
    }
}

/// --chdir names any directory: the user's choice, like a mount, but never an error.  The task then
/// starts elsewhere, and says so.
void add_working_directory(const StepFacts& step, const SiteConfig& site, Mounts& mounts) {
    const std::optional<std::string> path = clean(step.working_directory);
    if (!path || is_system(*path) || is_forbidden_source(*path, site) ||
        is_forbidden_target(*path, site)) {
        return;
    }
    mounts.add_own({{*path}, {*path}, false, false, Origin::user});
}

}  // namespace

Result<std::vector<RootOperation>> plan_mounts(const Request& request, const HostFacts& host,
                                               const SiteConfig& site) {
    Mounts mounts;
    TRY(add_user_mounts(request, site, mounts));
    for (const SiteMount& mount : site.mounts) {
        mounts.add({mount.source, mount.target, mount.read_only, mount.required, Origin::site});
    }
    for (const DefaultMount& mount : kDefaultMounts) {
        mounts.add_own({{mount.path},
                        {mount.path},
                        mount.access == Access::read_only,
                        mount.need == Need::required,
                        Origin::lading});
    }
    TRY(add_home(request, host, site, mounts));
    TRY(add_pmi_directories(host, site, mounts));
    add_batch_script(host.step, mounts);
    add_working_directory(host.step, site, mounts);

    // Files first: they are written into the container's own layer, never through a bind into a
    // directory of the host.
    std::vector<RootOperation> operations;
    for (const char* const file : kCopiedFiles) {
        if (!mounts.decided(file)) {
            operations.push_back(CopyFile{{file}, {file}});
        }
    }
    operations.push_back(WriteIdentity{});
    for (Bind& bind : std::move(mounts).sorted()) {
        operations.push_back(std::move(bind));
    }
    return operations;
}

}  // namespace lading::plan
