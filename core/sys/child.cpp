// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/formats/member_path.hpp"
#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

/// Descriptors 0, 1 and 2 are about to be replaced, so what replaces them must lie above.
constexpr int kFirstSafe = 10;

struct Standard {
    Fd input;
    Fd output;
    Fd error;
};

Result<Fd> duplicate_high(int fd) {
    Fd source(fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1);
    const int from = fd < 0 ? source.get() : fd;
    Fd high(fcntl(from, F_DUPFD_CLOEXEC, kFirstSafe));
    if (!high.valid()) {
        return fail_errno(Code::system, "cannot prepare a helper's descriptors");
    }
    return high;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        list.push_back(const_cast<char*>(text.c_str()));  // execve's old signature
    }
    list.push_back(nullptr);
    return list;
}

/// In the child, which shares the parent's memory until it is another program (vfork), and where
/// other threads' locks may be held for ever: system calls only.  `failure` is the parent's.
[[noreturn]] void exec_child(const ChildSpec& spec, const Standard& standard, char* const* argv,
                             char* const* envp, pid_t parent, volatile int& failure) {
    struct sigaction defaults {};
    defaults.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        sigaction(number, &defaults, nullptr);  // fails for SIGKILL and SIGSTOP, rightly
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const bool bound = !spec.dies_with_parent ||
                       // The parent may have died before the request was made.
                       (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent);
    if (bound && dup2(standard.input.get(), 0) == 0 && dup2(standard.output.get(), 1) == 1 &&
        dup2(standard.error.get(), 2) == 2 &&
        syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0 &&
        (spec.working_directory.empty() || chdir(spec.working_directory.c_str()) == 0)) {
        execve(argv[0], argv, envp);
    }
    failure = errno;
    _exit(127);
}

/// Where it may not, the process runs as it did.
void set_policy(pid_t pid, int policy) noexcept {
    const sched_param none_needed{};
    sched_setscheduler(pid, policy, &none_needed);
}

struct Stream {
    Fd fd;
    std::string* into;
};

/// Reads what is there; false at the stream's end.  What exceeds the limit is read and dropped, so
/// that the child is not stopped by a full pipe.
Result<bool> take(Stream& stream, std::size_t limit) {
    char buffer[16384];
    const ssize_t got = read(stream.fd.get(), buffer, sizeof buffer);
    if (got < 0) {
        if (errno == EINTR) {
            return true;
        }
        return fail_errno(Code::system, "cannot read what a helper prints");
    }
    const std::size_t room = limit - stream.into->size();
    stream.into->append(buffer, std::min(static_cast<std::size_t>(got), room));
    return got > 0;
}

Result<> collect(Stream (&streams)[2], std::size_t limit) {
    while (streams[0].fd.valid() || streams[1].fd.valid()) {
        pollfd polled[2] = {{streams[0].fd.get(), POLLIN, 0}, {streams[1].fd.get(), POLLIN, 0}};
        if (poll(polled, 2, -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno(Code::system, "cannot wait for a helper");
        }
        for (unsigned i = 0; i < 2; ++i) {
            if (polled[i].revents != 0 && !TRY(take(streams[i], limit))) {
                streams[i].fd.reset();
            }
        }
    }
    return {};
}

}  // namespace

Result<Child> start_child(const ChildSpec& spec) {
    std::vector<std::string> arguments = {spec.program};
    arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
    const std::vector<char*> argv = pointers(arguments);
    const std::vector<char*> envp = pointers(spec.environment);
    const Standard standard{TRY(duplicate_high(spec.input)), TRY(duplicate_high(spec.output)),
                            TRY(duplicate_high(spec.error))};
    const pid_t parent = getpid();
    volatile int failure = 0;
    // No signal handler of the caller may run in the child before its handlers are gone.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // Not fork: slurmstepd's page tables would be copied, and its pages after that one by one.
    const pid_t pid = vfork();
    if (pid == 0) {
        exec_child(spec, standard, argv.data(), envp.data(), parent, failure);
    }
    const int number = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
        errno = number;
        return fail_errno(Code::system, fmt::format("cannot start {}", spec.program));
    }
    Child child(pid);
    if (spec.in_background) {
        set_policy(pid, SCHED_IDLE);  // not in the child, for whose exec the caller waits
    }
    if (failure != 0) {
        errno = failure;
        return fail_errno(failure == ENOENT ? Code::not_found : Code::system,
                          fmt::format("cannot start {}", spec.program));
    }
    return child;
}

void Child::to_foreground() const noexcept {
    set_policy(pid_, SCHED_OTHER);
}

bool Child::ends_within(int milliseconds) const noexcept {
    const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    pollfd ended{process.get(), POLLIN, 0};
    return !process.valid() || poll(&ended, 1, milliseconds) == 1;
}

Result<int> Child::wait() {
    int status = 0;
    pid_t waited = 0;
    do {
        waited = waitpid(pid_, &status, 0);
    } while (waited < 0 && errno == EINTR);
    const pid_t pid = std::exchange(pid_, -1);
    if (waited < 0) {
        // slurmstepd reaps whatever ends (wait3), helpers of its plugins included.
        return fail_errno(Code::system, fmt::format("cannot learn how process {} ended", pid));
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Child::~Child() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

Result<ChildOutput> run_child(ChildSpec spec, std::size_t limit) {
    ChildOutput result;
    int output[2];
    int error[2];
    if (pipe2(output, O_CLOEXEC) != 0) {
        return fail_errno(Code::system, "cannot make a pipe");
    }
    Fd output_end(output[1]);
    Stream streams[2] = {{Fd(output[0]), &result.output}, {Fd(), &result.error}};
    if (pipe2(error, O_CLOEXEC) != 0) {
        return fail_errno(Code::system, "cannot make a pipe");
    }
    Fd error_end(error[1]);
    streams[1].fd = Fd(error[0]);
    spec.output = output_end.get();
    spec.error = error_end.get();
    Child child = TRY(start_child(spec));
    output_end.reset();
    error_end.reset();
    TRY(collect(streams, limit));
    result.status = TRY(child.wait());
    return result;
}

Result<std::string> find_program(const std::string& name, const std::string& package) {
    constexpr const char* kDirectories[] = {"/usr/local/bin",  "/usr/bin",  "/bin",
                                            "/usr/local/sbin", "/usr/sbin", "/sbin"};
    for (const char* directory : kDirectories) {
        std::string path = fmt::format("{}/{}", directory, name);
        if (access(path.c_str(), X_OK) == 0) {
            return path;
        }
    }
    return fail(Code::not_found, fmt::format("the program {} is not installed", name),
                fmt::format("install the package {}", package));
}

Result<Fd> message_file() {
    Fd file(memfd_create("messages", MFD_CLOEXEC));
    if (!file.valid()) {
        return fail_errno(Code::system, "cannot make a file in memory");
    }
    return file;
}

std::string last_message(int file, std::string otherwise) {
    constexpr off_t kLooked = 4096;
    struct stat status {};
    if (fstat(file, &status) != 0) {
        return otherwise;
    }
    std::string text(kLooked, '\0');
    const ssize_t got =
        pread(file, text.data(), text.size(), std::max<off_t>(0, status.st_size - kLooked));
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    const std::string line = text.substr(text.rfind('\n') + 1);
    return line.empty() ? otherwise : formats::shown_name(line);
}

}  // namespace lading::sys
