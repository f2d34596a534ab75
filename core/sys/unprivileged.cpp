// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/unprivileged.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "core/sys/file.hpp"
#include "core/sys/privileges.hpp"
#include "core/sys/seccomp.hpp"

namespace lading::sys {
namespace {

constexpr int kUnfit = 126;

/// What neither a reader of bytes nor the converters that it starts ever call, and what whoever
/// took one over would want first: the network, other processes, namespaces, and the kernel's less
/// trodden paths.  A list of what is allowed would be shorter in effect, but would break with every
/// new libc.
formats::SeccompProfile reader_profile() {
    formats::SeccompProfile profile;
    profile.default_action = formats::SeccompAction::allow;
    formats::SeccompRule denied;
    denied.action = formats::SeccompAction::fail;
    denied.names = {
        "socket",
        "connect",
        "bind",
        "listen",
        "accept",
        "accept4",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "pidfd_open",
        "pidfd_getfd",
        "kcmp",
        "unshare",
        "setns",
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "fsopen",
        "fsmount",
        "move_mount",
        "open_tree",
        "mount_setattr",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "keyctl",
        "add_key",
        "request_key",
        "open_by_handle_at",
        "name_to_handle_at",
        "personality",
        "kexec_load",
        "kexec_file_load",
        "init_module",
        "finit_module",
        "shmget",
        "shmat",
        "msgget",
        "semget",
        "mq_open",
        "fanotify_init",
        "inotify_init",
        "inotify_init1",
        "setpriority",
    };
    profile.rules.push_back(std::move(denied));
    return profile;
}
/// Enough for the member list of the largest image that the importer accepts.
constexpr rlim_t kMemory = 16ULL << 30;

bool close_all_but(std::vector<int> keep) {
    std::ranges::sort(keep);
    unsigned next = 3;
    for (const int fd : keep) {
        const auto kept = static_cast<unsigned>(fd);
        if (kept > next && syscall(SYS_close_range, next, kept - 1, 0) != 0) {
            return false;
        }
        next = std::max(next, kept + 1);
    }
    return syscall(SYS_close_range, next, ~0U, 0) == 0;
}

bool silence_standard_streams() {
    const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    return null.valid() && dup2(null.get(), 0) == 0 && dup2(null.get(), 1) == 1 &&
           dup2(null.get(), 2) == 2;
}

bool limit(int resource, rlim_t value) {
    const rlimit both{value, value};
    return setrlimit(static_cast<__rlimit_resource_t>(resource), &both) == 0;
}

bool give_up_privileges() {
    if (geteuid() == 0) {
        return become_user(kNobody, kNogroup, {}).has_value();
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

[[noreturn]] void run(const std::vector<int>& keep, const std::function<int()>& body,
                      const std::string& filter, pid_t parent) {
    bool fit = silence_standard_streams() && close_all_but(keep) && chdir("/") == 0 &&
               limit(RLIMIT_CORE, 0) && give_up_privileges();
#ifndef __SANITIZE_ADDRESS__  // whose shadow alone is terabytes of address space
    fit = fit && limit(RLIMIT_AS, kMemory);
#endif
    // After the change of user, which clears it.
    fit = fit && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
    int status = kUnfit;
    try {
        fit = fit && install_seccomp(filter).has_value();
        status = fit ? body() : kUnfit;
    } catch (...) {
        // std::bad_alloc: the caller sees a child that ended without an answer.
    }
    _exit(status);
}

}  // namespace

Result<Child> start_unprivileged(const std::vector<int>& keep, const std::function<int()>& body) {
    const std::string filter = TRY(compile_seccomp(reader_profile()));
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
        return fail_errno(Code::system, "cannot start a helper process");
    }
    if (pid == 0) {
        run(keep, body, filter, parent);
    }
    return Child(pid);
}

}  // namespace lading::sys
