// SPDX-License-Identifier: BSD-3-Clause
/// Images that the kernel must not parse: squashfuse, running as the job's user.
#pragma once

#include <cstdint>
#include <string>

#include "core/sys/fd.hpp"
#include "lading/host.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Mounts what lies in `image` (open for reading) from `offset` on by the program `squashfuse`,
/// which runs as `user` and ends by itself when the last mount namespace with this mount is gone:
/// so it must not live in such a namespace, and joins `outer`, the one that this process came from.
/// Returns the detached mount.
Result<Fd> mount_by_squashfuse(const std::string& squashfuse, int image, std::uint64_t offset,
                               const User& user, int outer, const std::string& name);

}  // namespace lading::sys
