// SPDX-License-Identifier: BSD-3-Clause
/// A child of this program that reads hostile bytes and has nothing to lose.
#pragma once

#include <functional>
#include <vector>

#include "core/sys/child.hpp"
#include "lading/result.hpp"

namespace lading::sys {

inline constexpr uid_t kNobody = 65534;  ///< the kernel's own overflow id, on every distribution
inline constexpr gid_t kNogroup = 65534;

/// Forks and runs `body` in the child, whose exit status its value becomes.  The child keeps the
/// descriptors in `keep` and /dev/null as its standard streams, and no other; where the caller is
/// root it has become nobody, without groups or capabilities; it can gain no privileges, write no
/// core, reach neither network nor other processes, and dies with the caller.  Not for programs with several threads: `body` is no exec.
Result<Child> start_unprivileged(const std::vector<int>& keep, const std::function<int()>& body);

}  // namespace lading::sys
