// SPDX-License-Identifier: BSD-3-Clause
/// The host's side of the compatibility question: the files behind the site's profiles.
#pragma once

#include <string>
#include <vector>

#include "core/compat/question.hpp"
#include "lading/profile.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct ProbedHost {
    std::string index;  ///< bytes of an ElfIndex of the files below
    std::vector<compat::Stack> stacks;
    compat::HostLibc libc;
};

/// Reads the libraries of these profiles, everything that they need, and the host's glibc.  A
/// profile whose libraries this node lacks is kept, with the reason.
Result<ProbedHost> probe_stacks(const std::vector<Profile>& profiles,
                                const std::string& architecture);

/// x86-64-vN of this node's processor; 0 on others.
unsigned probe_isa_level();

/// What this node's Slurm offers for `srun --mpi`, by its plugins' files; sorted.
std::vector<std::string> probe_pmi(const std::string& plugin_directory);

}  // namespace lading::app
