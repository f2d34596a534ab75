// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "catch.hpp"
#include "contains.hpp"
#include "core/sys/unprivileged.hpp"

using namespace lading;
using namespace lading::sys;

namespace {

ChildSpec shell(const std::string& script) {
    ChildSpec spec;
    spec.program = "/bin/sh";
    spec.arguments = {"-c", script};
    return spec;
}

}  // namespace

TEST_CASE("a helper's output, errors and exit status come back") {
    const auto result = run_child(shell("echo out; echo err >&2; exit 7"), 100);
    REQUIRE(result);
    CHECK(result->status == 7);
    CHECK(result->output == "out\n");
    CHECK(result->error == "err\n");
}

TEST_CASE("a helper that dies of a signal is told as a shell tells it") {
    const auto result = run_child(shell("kill -TERM $$"), 100);
    REQUIRE(result);
    CHECK(result->status == 128 + SIGTERM);
}

TEST_CASE("a helper that prints without end neither fills the memory nor stands still") {
    const auto result =
        run_child(shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"), 1000);
    REQUIRE(result);
    CHECK(result->status == 0);
    CHECK(result->output.size() == 1000);
    CHECK(result->error.size() == 1000);
}

TEST_CASE("a helper inherits no environment and no descriptor") {
    const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int leaked = fcntl(null.get(), F_DUPFD, 77);  // without O_CLOEXEC, on purpose
    REQUIRE(leaked >= 0);
    ChildSpec spec = shell("for fd in /proc/self/fd/*; do echo ${fd##*/}; done; env");
    spec.environment = {"ONLY=this"};
    const auto result = run_child(spec, 1000);
    close(leaked);
    REQUIRE(result);
    CHECK(contains(result->output, "ONLY=this"));
    CHECK_FALSE(contains(result->output, "HOME="));
    CHECK_FALSE(contains(result->output, "\n" + std::to_string(leaked) + "\n"));
}

TEST_CASE("a helper's standard streams are those that were given, whatever their numbers") {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    Fd from(ends[0]);
    Fd to(ends[1]);
    const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    ChildSpec spec = shell("echo hello >&2");
    spec.output = 2;  // ours: must not end up where the child's stderr goes
    spec.error = to.get();
    auto child = start_child(spec);
    REQUIRE(child);
    to.reset();
    CHECK(child->wait() == 0);
    char text[16] = {};
    CHECK(read(from.get(), text, sizeof text) == 6);
}

TEST_CASE("a helper starts with the signals as they are by default") {
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    const auto old = std::signal(SIGPIPE, SIG_IGN);
    const auto result = run_child(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"), 1000);
    std::signal(SIGPIPE, old);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    REQUIRE(result);
    CHECK(result->output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a program that is not there is an error at once, not an exit status") {
    const auto child = start_child({.program = "/nowhere/program",
                                    .arguments = {},
                                    .environment = {},
                                    .working_directory = ""});
    REQUIRE_FALSE(child);
    CHECK(child.error().code == Code::not_found);
    CHECK(contains(child.error().what, "/nowhere/program"));
}

TEST_CASE("a helper that was not waited for is killed and reaped") {
    pid_t pid = 0;
    {
        const auto child = start_child(shell("read never"));
        REQUIRE(child);
        pid = child->pid();
    }
    CHECK(kill(pid, 0) != 0);
}

TEST_CASE("a helper that somebody else has reaped is an error, not a hang") {
    auto child = start_child(shell("exit 0"));
    REQUIRE(child);
    REQUIRE(waitpid(child->pid(), nullptr, 0) == child->pid());
    CHECK_FALSE(child->wait());
}

TEST_CASE("programs are found where the system keeps them, and their package is named") {
    CHECK(find_program("sh", "dash"));
    const auto missing = find_program("no-such-program", "some-package");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Code::not_found);
    CHECK(contains(missing.error().hint, "some-package"));
}

TEST_CASE("the last message of a helper is kept without a pipe, fit for a terminal") {
    const auto file = message_file();
    REQUIRE(file);
    CHECK(last_message(file->get(), "nothing") == "nothing");
    ChildSpec spec = shell("echo first >&2; printf 'last \\033[2Jline\\n\\n' >&2");
    spec.error = file->get();
    auto child = start_child(spec);
    REQUIRE(child);
    CHECK(child->wait() == 0);
    const std::string message = last_message(file->get(), "nothing");
    CHECK(contains(message, "last "));
    CHECK_FALSE(contains(message, "first"));
    CHECK_FALSE(contains(message, "\033"));
}

TEST_CASE("an unprivileged child has the descriptors that it was given and no others") {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    Fd from(ends[0]);
    Fd to(ends[1]);
    const Fd secret(open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto child = start_unprivileged({to.get()}, [&] {
        const bool closed = fcntl(secret.get(), F_GETFD) < 0 && fcntl(from.get(), F_GETFD) < 0;
        const bool open = fcntl(to.get(), F_GETFD) >= 0 && fcntl(0, F_GETFD) >= 0;
        return closed && open ? 0 : 1;
    });
    REQUIRE(child);
    CHECK(child->wait() == 0);
}

TEST_CASE("an unprivileged child that throws ends as unfit, and nothing of it comes back") {
    auto child = start_unprivileged({}, []() -> int { throw std::bad_alloc(); });
    REQUIRE(child);
    CHECK(child->wait() == 126);
}

TEST_CASE("an unprivileged child of root is nobody and can become nothing else") {
    if (geteuid() != 0) {
        SUCCEED("needs root: gives it up");
        return;
    }
    auto child = start_unprivileged({}, [] {
        const bool nobody = getuid() == kNobody && geteuid() == kNobody && getgid() == kNogroup &&
                            getgroups(0, nullptr) == 0;
        return nobody && setuid(0) != 0 && open("/etc/shadow", O_RDONLY) < 0 ? 0 : 1;
    });
    REQUIRE(child);
    CHECK(child->wait() == 0);
}

TEST_CASE("an unprivileged child reaches neither the network nor other processes") {
    auto child = start_unprivileged({}, [] {
        const bool network =
            socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
        return !network && unshare(CLONE_NEWUSER) != 0 && ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 ? 0
                                                                                               : 1;
    });
    REQUIRE(child);
    CHECK(child->wait() == 0);
}

TEST_CASE("a child's end is awaited for a bounded time") {
    const auto spec = [](const char* program, std::vector<std::string> arguments) {
        ChildSpec child;
        child.program = program;
        child.arguments = std::move(arguments);
        return child;
    };
    auto busy = start_child(spec("/bin/sleep", {"1000"}));
    REQUIRE(busy);
    CHECK_FALSE(busy->ends_within(10));
    auto done = start_child(spec("/bin/true", {}));
    REQUIRE(done);
    CHECK(done->ends_within(10000));
    CHECK(done->wait() == 0);
}
