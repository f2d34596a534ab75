// SPDX-License-Identifier: BSD-3-Clause
/// One task's way into the step's container: runs in the task's own process, as the job's user.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/sys/fd.hpp"
#include "lading/path.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// What slurmstepd keeps of a prepared container, for its tasks to enter.
struct Container {
    Fd mounts;            ///< the mount namespace
    Fd root;              ///< the root directory in it
    std::string seccomp;  ///< compiled filter, empty: none
    Namespaces unshare;
    std::vector<GuestPath> working_directories;
};

/// Keeps the permitted capabilities across Slurm's change to the job's user; they last until
/// enter_container() drops them.
Result<> keep_capabilities();

/// Enters the container for good: namespaces, root, no capability, seccomp, working directory.
/// With a PID namespace of its own the caller returns as a child of the process that Slurm
/// started, which stays outside and passes signals and the exit status.  Returns the working
/// directory that was entered; `keep` lists the descriptors beyond stdio that survive exec.
Result<GuestPath> enter_container(const Container& container, const std::vector<int>& keep);

}  // namespace lading::sys
