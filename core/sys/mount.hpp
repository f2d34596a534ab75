// SPDX-License-Identifier: BSD-3-Clause
/// Mounts by descriptor.  Every mount is made detached, gets its flags while nobody can reach it,
/// and is attached last; a flag that cannot be set is an error (Linux 5.12 and later).
#pragma once

#include <cstdint>
#include <string>

#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Takes a private mount namespace for this process.  What the host mounts later still arrives
/// (slave propagation, for automounted homes); nothing goes the other way.
Result<> enter_private_mount_namespace();

/// Goes back to a mount namespace that this process was in, and to its root there.
Result<> return_to_mount_namespace(int mounts, int root);

/// A detached copy of what `source` (an O_PATH descriptor) shows, submounts included.
Result<Fd> clone_tree(int source, const std::string& name);

/// Sets MOUNT_ATTR_* flags on a mount and, if `recursive`, on everything below it.
Result<> set_mount_flags(int mount, std::uint64_t flags, bool recursive, const std::string& name);

/// Detached file systems, all nosuid and nodev.
Result<Fd> make_tmpfs(std::uint64_t bytes, const std::string& name);
Result<Fd> make_squashfs(const std::string& device, const std::string& name);
/// The kernel's end of a FUSE file system that the process holding `connection` (an open
/// /dev/fuse) will serve as `uid`:`gid`.
Result<Fd> make_fuse(int connection, unsigned uid, unsigned gid, const std::string& name);
/// `lower`, `upper` and `work` are paths of this mount namespace.
Result<Fd> make_overlay(const std::string& lower, const std::string& upper,
                        const std::string& work);
/// A fresh /proc of the caller's PID namespace.
Result<Fd> make_proc();

/// Attaches a detached mount on top of `target` (an O_PATH descriptor).
Result<> attach(int mount, int target, const std::string& name);

/// Makes `root` (a mounted directory of this mount namespace) the root of this process, and lets
/// go of the old one.
Result<> change_root(int root);

}  // namespace lading::sys
