// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/pid_namespace.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"
#include "core/sys/privileges.hpp"

namespace lading::sys {
namespace {

/// Waits for the end of `child` while passing signals on to it; other children are reaped on the
/// way.  All signals are blocked, so that none is lost between two calls.
int pass_signals_until_end(pid_t child, const sigset_t& all) {
    for (;;) {
        siginfo_t signal{};
        if (sigwaitinfo(&all, &signal) < 0) {
            continue;
        }
        if (signal.si_signo != SIGCHLD) {
            kill(child, signal.si_signo);
            continue;
        }
        int status = 0;
        for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (ended == child) {
                return status;
            }
        }
    }
}

/// Ends this process as another one ended.  No second core file: the program has left its own.
[[noreturn]] void end_like(int status) {
    if (WIFSIGNALED(status)) {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(WTERMSIG(status), SIG_DFL);
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, WTERMSIG(status));
        raise(WTERMSIG(status));
        sigprocmask(SIG_UNBLOCK, &one, nullptr);
        _exit(128 + WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

/// Lets go of the program's pipes and sockets (its end of them must be the last), but keeps
/// `except`.
///
/// Neither waiting process needs a capability to signal the user's own program.
void keep_only(int except) {
    if (!drop_all_capabilities()) {
        _exit(125);
    }
    close_range(0, static_cast<unsigned>(except) - 1, 0);
    close_range(static_cast<unsigned>(except) + 1, ~0U, 0);
}

/// PID 1: its status is the program's, told through the pipe because a signal cannot end PID 1
/// from inside.
[[noreturn]] void run_init(pid_t program, const sigset_t& all, int report) {
    keep_only(report);
    const int status = pass_signals_until_end(program, all);
    const ssize_t written = write(report, &status, sizeof status);
    _exit(written == sizeof status ? 0 : 1);
}

[[noreturn]] void run_outside(pid_t init, const sigset_t& all, int report) {
    keep_only(report);
    const int init_status = pass_signals_until_end(init, all);
    int status = 0;
    const ssize_t got = read(report, &status, sizeof status);
    end_like(got == sizeof status ? status : init_status);
}

}  // namespace

Result<> fork_into_pid_namespace() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno(Code::system, "cannot make a PID namespace");
    }
    Fd reading(ends[0]);
    Fd writing(ends[1]);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    const pid_t init = fork();
    if (init < 0) {
        sigprocmask(SIG_SETMASK, &before, nullptr);
        return fail_errno(Code::system, "cannot make a PID namespace");
    }
    if (init > 0) {
        writing.reset();
        run_outside(init, all, reading.get());
    }
    reading.reset();
    // The namespace ends with the process that Slurm knows.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    const pid_t program = fork();
    if (program < 0) {
        _exit(125);
    }
    if (program > 0) {
        run_init(program, all, writing.get());
    }
    writing.reset();
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return {};
}

}  // namespace lading::sys
