// SPDX-License-Identifier: BSD-3-Clause
/// Becoming the job's user for good, and giving up capabilities.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "lading/result.hpp"

namespace lading::sys {

/// Becomes the user: groups, then ids, then no capability and no way to get one back.  Verified;
/// an error leaves the process unfit for anything but _exit.
Result<> become_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups);

/// Capabilities that entering a container needs, for a task that kept its permitted set across
/// the change of user (PR_SET_KEEPCAPS).
Result<> raise_entry_capabilities();

/// Clears the bounding, ambient, inheritable, permitted and effective sets, sets
/// PR_SET_NO_NEW_PRIVS, and reads all of it back.
Result<> drop_all_capabilities();

}  // namespace lading::sys
