// SPDX-License-Identifier: BSD-3-Clause
#include <cerrno>

#include "core/formats/seccomp_profile.hpp"

namespace lading::formats {

SeccompProfile reader_seccomp_profile() {
    SeccompProfile profile;
    profile.default_action = SeccompAction::fail;
    profile.default_error = EPERM;
    profile.native_only = true;
    profile.rules.push_back(
        {{// to be asked and to answer
          "recvfrom", "recvmsg", "sendto", "sendmsg", "close", "fcntl", "poll", "ppoll",
          // to find and to read
          "open", "openat", "openat2", "read", "pread64", "readv", "lseek", "fadvise64", "stat",
          "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
          "faccessat2", "readlink", "readlinkat", "getdents64", "uname",
          // what the C and C++ libraries do
          "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "futex", "clock_gettime",
          "getrandom", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "rt_sigaction",
          "rt_sigprocmask", "rt_sigreturn", "restart_syscall", "sched_yield", "rseq",
          "set_robust_list", "tgkill", "exit", "exit_group"},
         SeccompAction::allow,
         0,
         {}});
    return profile;
}

}  // namespace lading::formats
