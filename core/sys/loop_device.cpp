// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/loop_device.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

/// Steps that start at once are told the same free device and all but one find it busy; each try
/// has one winner, so that more losers in a row than tasks start on a node means another trouble.
constexpr int kTries = 256;
constexpr std::uint64_t kSector = 512;

tl::unexpected<Error> no_device(std::string_view what) {
    return fail_errno(Code::system, fmt::format("no loop device for the image: {}", what),
                      "ask the administrator to look at /dev/loop-control on this node "
                      "(modprobe loop; max_loop)");
}

}  // namespace

Result<LoopDevice> attach_loop_device(int file, const std::string& name, std::uint64_t offset,
                                      std::uint64_t bytes) {
    const Fd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control.valid()) {
        return no_device("cannot open /dev/loop-control");
    }
    loop_config config{};
    config.fd = static_cast<unsigned>(file);
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    config.info.lo_offset = offset;
    // A device has whole sectors, and the end of the last one is not the file system's.
    config.info.lo_sizelimit = (bytes + kSector - 1) / kSector * kSector;
    std::strncpy(reinterpret_cast<char*>(config.info.lo_file_name), name.c_str(),
                 sizeof config.info.lo_file_name - 1);
    for (int i = 0; i < kTries; ++i) {
        const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) {
            return no_device("LOOP_CTL_GET_FREE");
        }
        LoopDevice device{Fd(), fmt::format("/dev/loop{}", number)};
        device.fd = Fd(open(device.path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!device.fd.valid() && errno != ENXIO && errno != EBUSY) {
            return no_device(fmt::format("cannot open {}", device.path));
        }
        if (device.fd.valid() && ioctl(device.fd.get(), LOOP_CONFIGURE, &config) == 0) {
            return device;
        }
        if (errno != EBUSY && errno != ENXIO) {
            return no_device(fmt::format("LOOP_CONFIGURE {}", device.path));
        }
    }
    errno = EBUSY;
    return no_device(fmt::format("{} tries", kTries));
}

}  // namespace lading::sys
