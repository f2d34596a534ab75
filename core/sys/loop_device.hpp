// SPDX-License-Identifier: BSD-3-Clause
/// Read-only loop devices that vanish with their last user.
#pragma once

#include <cstdint>
#include <string>

#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Kept open until the device is mounted: it is released when nobody uses it any more, so that a
/// process that dies half-way leaves nothing.
struct LoopDevice {
    Fd fd;
    std::string path;  ///< /dev/loopN
};

/// Attaches `bytes` of `file` from `offset` on, 0: to its end.  Code::system where the node has no
/// free loop device.
Result<LoopDevice> attach_loop_device(int file, const std::string& name, std::uint64_t offset = 0,
                                      std::uint64_t bytes = 0);

}  // namespace lading::sys
