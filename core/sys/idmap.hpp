// SPDX-License-Identifier: BSD-3-Clause
/// Mounts in which the image's root files belong to the job's user.
#pragma once

#include <string>

#include "core/sys/fd.hpp"
#include "lading/host.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Swaps root's ids and the user's in a detached mount, so that a writable container can be
/// written by its user without any capability.  False where the kernel or the file system cannot
/// (squashfs needs Linux 6.2, overlay on such a mount 5.19).
Result<bool> give_root_files_to(const User& user, int mount, const std::string& name);

}  // namespace lading::sys
