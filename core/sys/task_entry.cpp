// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/task_entry.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "core/sys/file.hpp"
#include "core/sys/mount.hpp"
#include "core/sys/pid_namespace.hpp"
#include "core/sys/privileges.hpp"
#include "core/sys/seccomp.hpp"

namespace lading::sys {
namespace {

/// A new network namespace has its loopback interface down; programs expect it up.
Result<> bring_up_loopback() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::string("lo").copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (!socket.valid() || ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) {
        return fail_errno(Code::system, "cannot bring up the task's loopback interface");
    }
    return {};
}

Result<> take_namespaces(const Namespaces& own) {
    const int flags = CLONE_NEWNS | (own.ipc ? CLONE_NEWIPC : 0) | (own.net ? CLONE_NEWNET : 0) |
                      (own.uts ? CLONE_NEWUTS : 0) | (own.pid ? CLONE_NEWPID : 0);
    if (unshare(flags) != 0) {
        return fail_errno(Code::system, "cannot make the task's namespaces",
                          "the node may limit their number (/proc/sys/user/max_*_namespaces)");
    }
    if (own.net) {
        TRY(bring_up_loopback());
    }
    return {};
}

/// In a PID namespace of its own the task sees its own /proc.
Result<> mount_own_proc() {
    const Fd proc = TRY(make_proc());
    const Fd target(open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!target.valid()) {
        return fail_errno(Code::bad_image, "cannot open /proc in the container");
    }
    return attach(proc.get(), target.get(), "/proc");
}

Result<GuestPath> enter_working_directory(const std::vector<GuestPath>& candidates) {
    for (const GuestPath& path : candidates) {
        if (chdir(path.value.c_str()) == 0) {
            return path;
        }
    }
    if (candidates.empty()) {
        return fail(Code::internal, "the plan names no working directory");
    }
    const GuestPath& wanted = candidates.front();
    return fail_errno(
        Code::not_found,
        fmt::format("cannot enter the working directory {} in the container", wanted.value),
        "name another with --container-workdir, or bind it with --container-mounts");
}

/// What Slurm left open must not reach the program (CVE-2024-21626), but for its PMI's socket.
Result<> close_on_exec(const std::vector<int>& keep) {
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        return fail_errno(Code::system, "cannot close slurmstepd's descriptors");
    }
    for (const int fd : keep) {
        if (fd > 2 && fcntl(fd, F_SETFD, 0) != 0 && errno != EBADF) {
            return fail_errno(Code::system, "cannot keep the task's PMI connection");
        }
    }
    return {};
}

}  // namespace

Result<> keep_capabilities() {
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        return fail_errno(Code::system, "cannot keep the right to enter a container");
    }
    return {};
}

Result<GuestPath> enter_container(const Container& container, const std::vector<int>& keep) {
    TRY(raise_entry_capabilities());
    // The user's other processes must not trace this one while it still has capabilities.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return fail_errno(Code::system, "cannot protect the task while it enters");
    }
    TRY(close_on_exec(keep));
    if (setns(container.mounts.get(), CLONE_NEWNS) != 0) {
        return fail_errno(Code::system, "cannot enter the step's mount namespace");
    }
    // setns() leads to the namespace's root, which is another directory where slurmd itself was
    // started in a chroot: the container's root is entered by its descriptor in any case.
    if (fchdir(container.root.get()) != 0 || chroot(".") != 0) {
        return fail_errno(Code::system, "cannot enter the container's root");
    }
    TRY(take_namespaces(container.unshare));
    if (container.unshare.pid) {
        TRY(fork_into_pid_namespace());
        TRY(mount_own_proc());
    }
    TRY(drop_all_capabilities());
    TRY(install_seccomp(container.seccomp));
    return enter_working_directory(container.working_directories);
}

}  // namespace lading::sys
