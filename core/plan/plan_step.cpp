// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>

#include "core/formats/absolute_path.hpp"
#include "core/plan/plan_environment.hpp"
#include "core/plan/plan_mounts.hpp"
#include "lading/plan.hpp"

namespace lading {
namespace {

/// A tmpfs of size 0 has no bound at all: where the memory is not known, and on tiny machines, this
/// much holds the mount points.
constexpr std::uint64_t kLeastScratch = std::uint64_t{16} << 20;

/// A processor's own 32-bit predecessor, whose programs it runs.
struct RunsOn {
    std::string_view image;
    std::string_view node;
};
constexpr RunsOn kRunsOn[] = {{"386", "amd64"}, {"arm", "arm64"}};

Result<> check_architecture(const ImageFacts& image, const HostFacts& host) {
    const std::string& built_for = image.document.config.architecture;
    const bool runs = std::ranges::any_of(kRunsOn, [&](const RunsOn& pair) {
        return pair.image == built_for && pair.node == host.architecture;
    });
    if (built_for.empty() || built_for == host.architecture || runs) {
        return {};
    }
    return fail(Code::mismatch,
                fmt::format("image {} is built for {}, this node is {}", image.reference, built_for,
                            host.architecture),
                "use an image built for this node's architecture, or ask Slurm for other nodes "
                "(--constraint, --partition)");
}

/// The reader runs with the user's rights and its answer is not believed; this is root's own check.
Result<> check_image_allowed(const Request& request, const SiteConfig& site) {
    if (std::holds_alternative<NoImage>(request.image)) {
        return fail(Code::internal, "a step without an image has no plan");
    }
    if (std::holds_alternative<ImagePath>(request.image) && !site.path_images) {
        return fail(Code::refused,
                    fmt::format("this site runs images of its stores only, not {}", request.text),
                    "import the image with 'lading import', or ask the administrator to");
    }
    return {};
}

/// The kernel parses only what nobody but root could have written, unless the site says otherwise.
MountBy plan_mount_by(const ImageFacts& image) {
    if (image.kind == ImageFacts::Kind::directory) {
        return MountBy::kernel;  // a bind: there is nothing to parse
    }
    if (image.mount_by != MountBy::automatic) {
        return image.mount_by;
    }
    return image.kernel_may_parse ? MountBy::kernel : MountBy::squashfuse;
}

Result<bool> plan_writable(const Request& request, const SiteConfig& site) {
    const bool writable = request.writable.value_or(site.writable);
    if (writable && !site.allow_writable) {
        return fail(Code::refused, "--container-writable: this site does not allow it",
                    "write to the home directory, to /tmp, or to a directory that you bind with "
                    "--container-mounts");
    }
    return writable;
}

std::uint64_t plan_scratch(const HostFacts& host, const SiteConfig& site) {
    if (site.scratch_bytes != 0) {
        return site.scratch_bytes;
    }
    const std::uint64_t memory = host.memory_bytes;  // not multiplied first: it would wrap
    return std::max(kLeastScratch, memory / 100 * site.scratch_percent +
                                       memory % 100 * site.scratch_percent / 100);
}

Namespaces plan_namespaces(const Request& request, const SiteConfig& site) {
    const Namespaces asked = request.unshare.value_or(Namespaces{});
    return {asked.pid || site.unshare.pid, asked.ipc || site.unshare.ipc,
            asked.net || site.unshare.net, asked.uts || site.unshare.uts};
}

std::vector<GuestPath> plan_working_directories(const Request& request, const ImageFacts& image,
                                                const HostFacts& host) {
    if (request.workdir) {
        return {*request.workdir};  // asked for: there, or an error
    }
    std::vector<GuestPath> directories;
    for (const std::string& path :
         {host.step.working_directory, image.document.config.workdir, std::string("/")}) {
        const auto clean = formats::clean_absolute_path(path);
        if (clean && std::ranges::find(directories, GuestPath{*clean}) == directories.end()) {
            directories.push_back({*clean});
        }
    }
    return directories;
}

}  // namespace

Result<Plan> plan_step(const Request& request, const ImageFacts& image, const HostFacts& host,
                       const SiteConfig& site) {
    TRY(check_image_allowed(request, site));
    TRY(check_architecture(image, host));
    Plan plan;
    plan.mount_by = plan_mount_by(image);
    plan.writable = TRY(plan_writable(request, site));
    plan.scratch_bytes = plan_scratch(host, site);
    plan.operations = TRY(plan::plan_mounts(request, host, site));
    plan.environment = TRY(plan::plan_environment(request, image, host, site));
    plan.working_directories = plan_working_directories(request, image, host);
    plan.unshare = plan_namespaces(request, site);
    plan.seccomp = site.seccomp;
    return plan;
}

}  // namespace lading
