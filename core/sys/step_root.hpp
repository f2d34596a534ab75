// SPDX-License-Identifier: BSD-3-Clause
/// The root that the tasks of one step on one node share: the image below, a bounded tmpfs above,
/// and what the plan binds into it.
#pragma once

#include <cstdint>
#include <string>

#include "core/sys/fd.hpp"
#include "lading/path.hpp"
#include "lading/result.hpp"

namespace lading::sys {

class StepRoot {
  public:
    /// Puts a writable layer over `lower`, a detached read-only mount of the image, and attaches
    /// the result in this process' private mount namespace, on top of /tmp: whatever of the host is
    /// to be bound must have been cloned before.
    static Result<StepRoot> assemble(Fd lower, std::uint64_t scratch_bytes);

    /// An O_PATH descriptor of the container's root.
    int root() const noexcept { return root_.get(); }

    /// An O_PATH descriptor of what is at `target`, made if the image has nothing there.
    Result<Fd> mount_point(const GuestPath& target, bool directory);

    /// Where in the container a mount point lies, after the image's symbolic links.
    Result<GuestPath> where(const Fd& point) const;

    /// Replaces `target` by a new file of root's with these bytes.
    Result<> write(const GuestPath& target, std::string_view bytes, unsigned mode = 0644);

    /// Freezes the root unless `writable`, makes it this process' root, and returns the mount
    /// namespace that the tasks enter.
    Result<Fd> finish(bool writable);

  private:
    explicit StepRoot(Fd root) : root_(std::move(root)) {}

    Result<Fd> make_directories(const std::string& path);
    Result<> check_ours(int directory, const std::string& path) const;

    Fd root_;
};

}  // namespace lading::sys
