// SPDX-License-Identifier: BSD-3-Clause
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "core/formats/seccomp_profile.hpp"

namespace lading::formats {

// A task has no capability and cannot gain one, so most of these calls would fail anyway: the
// filter takes away the kernel code behind them.  What parallel programs need stays: ptrace and
// process_vm_readv (cross-memory attach between ranks, debuggers), perf_event_open (profilers),
// mbind and move_pages, memfd, large pages, personality.
SeccompProfile default_seccomp_profile() {
    SeccompProfile profile;
    const auto refuse = [&profile](int error, std::vector<std::string> names,
                                   std::vector<SeccompArgument> arguments = {}) {
        profile.rules.push_back(
            {std::move(names), SeccompAction::fail, error, std::move(arguments)});
    };
    // The kernel itself: modules, images, clocks, swap, accounting, ports.
    refuse(EPERM,
           {"init_module",    "finit_module",    "delete_module", "kexec_load", "kexec_file_load",
            "reboot",         "swapon",          "swapoff",       "acct",       "settimeofday",
            "clock_settime",  "clock_settime64", "stime",         "iopl",       "ioperm",
            "nfsservctl",     "quotactl",        "quotactl_fd",   "vhangup",    "uselib",
            "lookup_dcookie", "syslog"});
    // Mounts and roots: only a user namespace would make them work, see below.
    refuse(EPERM,
           {"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
            "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "setns"});
    // Handles reach files outside the root by number (CVE-2014-9357 and its kin).
    refuse(EPERM, {"open_by_handle_at"});
    // Key rings are not divided by namespaces: a container would see the host session's keys.
    refuse(EPERM, {"add_key", "request_key", "keyctl"});
    refuse(EPERM, {"bpf", "userfaultfd"});
    // Programs fall back where the kernel has no io_uring.
    refuse(ENOSYS, {"io_uring_setup", "io_uring_enter", "io_uring_register"});
    // New user namespaces open the calls above and most of the kernel's past local exploits.
    refuse(EPERM, {"unshare", "clone"},
           {{0, SeccompCompare::masked_equal, CLONE_NEWUSER, CLONE_NEWUSER}});
    // clone3 passes its flags in memory, where a filter cannot see; libc falls back to clone.
    refuse(ENOSYS, {"clone3"});
    // Bytes pushed into the terminal would be run by the shell that called srun --pty.
    for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}}) {
        refuse(EPERM, {"ioctl"}, {{1, SeccompCompare::masked_equal, 0xffffffff, request}});
    }
    return profile;
}

}  // namespace lading::formats
