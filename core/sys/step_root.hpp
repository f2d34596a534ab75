// SPDX-License-Identifier: BSD-3-Clause
/// The root that the tasks of one step on one node share: the image below, a bounded tmpfs above,
/// and what the plan binds into it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/sys/fd.hpp"
#include "lading/path.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Where something can be attached in a step's root.
struct MountPoint {
    Fd fd;
    GuestPath where;  ///< after the image's symbolic links
    bool directory = false;
};

class StepRoot {
  public:
    /// Puts a writable layer over `lower`, a detached read-only mount of the image, and attaches
    /// the result in this process' private mount namespace, on top of /tmp: whatever of the host is
    /// to be bound must have been cloned before.
    static Result<StepRoot> assemble(Fd lower, std::uint64_t scratch_bytes);

    /// An O_PATH descriptor of the container's root.
    int root() const noexcept { return root_.get(); }

    /// What is at `target`, made if the image has nothing there.
    Result<MountPoint> mount_point(const GuestPath& target, bool directory);

    /// Attaches a detached mount there.
    Result<> mount(int tree, const MountPoint& point);

    /// Replaces `target` by a new file of root's with these bytes.
    Result<> write(const GuestPath& target, std::string_view bytes, unsigned mode = 0644);

    /// Freezes the root unless `writable`, makes it this process' root, and returns the mount
    /// namespace that the tasks enter.
    Result<Fd> finish(bool writable);

  private:
    struct Directory {
        Fd fd;
        std::string where;  ///< after the image's symbolic links; empty for the root
        bool ours = false;  ///< not in what is bound of the host
    };

    StepRoot(Fd root, std::string path, std::uint64_t mount)
        : root_(std::move(root)), path_(std::move(path)), mount_(mount) {}

    Result<Fd> make_directories(const std::string& path);
    Result<const Directory*> directory(const std::string& path);
    Result<MountPoint> file_point(const GuestPath& target);
    Result<MountPoint> linked_point(const GuestPath& target) const;
    Result<std::string> where(int fd) const;

    Fd root_;
    std::string path_;     ///< in this namespace
    std::uint64_t mount_;  ///< its mount's number
    /// The libraries of a stack lie in a few directories: each is looked up once, as long as no
    /// mount can have changed where its path leads.
    std::map<std::string, Directory> directories_;
};

}  // namespace lading::sys
