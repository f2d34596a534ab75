// SPDX-License-Identifier: BSD-3-Clause
// The floor: what a containerised start costs when nothing but the system calls is done.
//
//   floor IMAGE.squashfs [--rounds N] [--uid UID] [--gid GID] [--home DIR] [--each]
//
// Same result as lading: a builder child makes the step's root (squashfs on a loop device, overlay
// on tmpfs, the node's directories, the account files) and hands over its mount namespace and root;
// a task enters them, drops everything and runs /bin/true of the image.  But no configuration, no
// store, no parsing, no user's process, no check and no error message: whoever runs it trusts all.
//
// Each round also runs /bin/true outside, as Slurm does without a container: what both cost is
// taken off.  Prints `name median min max`, in milliseconds; with --each `name value` a round.
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "floor_root.hpp"

namespace {

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

void set_capabilities(unsigned low, unsigned high, bool effective_only) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (effective_only) {
        check(syscall(SYS_capget, &header, data), "capget");
        data[0].effective = low;
        data[1].effective = high;
    }
    check(syscall(SYS_capset, &header, data), "capset");
}

#if defined(__x86_64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_AARCH64;
#endif

/// As a real one: the right architecture, a few calls refused, the rest allowed.
void install_filter() {
    constexpr unsigned kRefused = SECCOMP_RET_ERRNO | EPERM;
    std::vector<sock_filter> filter = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, kRefused),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    for (const long number : {SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
                              SYS_reboot, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
                              SYS_setns, SYS_keyctl, SYS_bpf, SYS_open_by_handle_at}) {
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, kRefused));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

void enter(const Container& container) {
    set_capabilities(1U << CAP_SYS_ADMIN | 1U << CAP_SYS_CHROOT | 1U << CAP_SETPCAP, 0, true);
    check(prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
    check(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
    check(setns(container.mounts, CLONE_NEWNS), "setns");
    check(fchdir(container.root), "fchdir");
    check(chroot("."), "chroot");
    check(unshare(CLONE_NEWNS), "unshare");
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability) == 1; ++capability) {
        check(prctl(PR_CAPBSET_DROP, capability), "PR_CAPBSET_DROP");
    }
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "PR_CAP_AMBIENT");
    set_capabilities(0, 0, false);
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
    install_filter();
}

/// Milliseconds from the fork to the end of /bin/true.
double run_task(const Options& options, const Container* container) {
    const double start = now();
    const pid_t task = check(fork(), "fork");
    if (task == 0) {
        check(container == nullptr ? 0 : prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
        check(setgroups(1, &options.gid), "setgroups");
        check(setresgid(options.gid, options.gid, options.gid), "setresgid");
        check(setresuid(options.uid, options.uid, options.uid), "setresuid");
        if (container != nullptr) {
            enter(*container);
        }
        check(chdir(options.home.c_str()), options.home.c_str());
        execl("/bin/true", "true", nullptr);
        check(-1, "/bin/true");
    }
    int status = 0;
    check(waitpid(task, &status, 0), "waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::fprintf(stderr, "floor: /bin/true did not succeed\n");
        std::exit(1);
    }
    return now() - start;
}

void print(const char* name, std::vector<double> values, bool each) {
    if (each) {
        for (const double value : values) {
            std::printf("%s %.3f\n", name, value);
        }
        return;
    }
    std::sort(values.begin(), values.end());
    std::printf("%s %.3f %.3f %.3f\n", name, values[values.size() / 2], values.front(),
                values.back());
}

Options read_options(int count, char** values) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string name = values[i];
        const char* const value = i + 1 < count ? values[i + 1] : "";
        if (name == "--rounds") {
            options.rounds = std::max(1, std::atoi(value));
        } else if (name == "--uid") {
            options.uid = static_cast<uid_t>(std::atoi(value));
        } else if (name == "--gid") {
            options.gid = static_cast<gid_t>(std::atoi(value));
        } else if (name == "--home") {
            options.home = value;
        } else {
            if (name == "--each") {
                options.each = true;
            } else {
                options.image = name;
            }
            continue;
        }
        ++i;
    }
    return options;
}

}  // namespace

int main(int count, char** values) {
    const Options options = read_options(count, values);
    if (options.image.empty()) {
        std::fprintf(stderr,
                     "usage: floor IMAGE.squashfs [--rounds N] [--uid UID] [--gid GID] "
                     "[--home DIR]\n");
        return 2;
    }
    std::vector<double> whole;
    std::vector<double> building;
    std::vector<double> first_task;
    std::vector<double> further_task;
    for (int round = -1; round < options.rounds; ++round) {
        const double bare = run_task(options, nullptr);
        pid_t builder = -1;
        const double start = now();
        const Container container = start_builder(options, builder);
        const double built = now() - start;
        const double first = run_task(options, &container) - bare;
        const double further = run_task(options, &container) - bare;
        waitpid(builder, nullptr, 0);
        close(container.mounts);
        close(container.root);
        if (round < 0) {
            continue;  // cold caches
        }
        whole.push_back(built + first);
        building.push_back(built);
        first_task.push_back(first);
        further_task.push_back(further);
    }
    print("whole", whole, options.each);
    print("build", building, options.each);
    print("first_task", first_task, options.each);
    print("further_task", further_task, options.each);
    return 0;
}
