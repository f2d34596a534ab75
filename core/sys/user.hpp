// SPDX-License-Identifier: BSD-3-Clause
/// The host's name service and the host's facts.
#pragma once

#include <string>
#include <vector>

#include "lading/host.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// The account of `uid`, by the host's name service.  Ids are Slurm's and are not looked up; a
/// user without an account gets its number as the name, `/` as home and /bin/sh as shell.
Result<User> look_up_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups);

/// Kernel, architecture (GOARCH name), libc, host name and memory of this node.
Result<HostFacts> probe_host();

}  // namespace lading::sys
