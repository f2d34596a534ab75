// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/task_entry.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "core/formats/seccomp_profile.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mount.hpp"
#include "core/sys/seccomp.hpp"
#include "namespace_child.hpp"

namespace {

using namespace lading;
using test::in_child;

/// The whole way of a task: a container of the host's own root, the change of user as Slurm makes
/// it, and the entry.
std::string as_task(const std::function<std::string()>& work, const Namespaces& unshare = {},
                    const std::string& seccomp = "") {
    return in_child([&]() -> std::string {
        sys::Container container;
        container.root = sys::Fd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        container.mounts = sys::Fd(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
        container.seccomp = seccomp;
        container.unshare = unshare;
        container.working_directories = {{"/nowhere"}, {"/usr"}};
        // Slurm's order: the privileged hook, the groups, the change of user, the user's hook.
        if (!sys::enter_private_mount_namespace()) {
            return "no namespace";
        }
        container.mounts = sys::Fd(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
        container.root = sys::Fd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!sys::keep_capabilities() || setgroups(0, nullptr) != 0 ||
            setresgid(1234, 1234, 1234) != 0 || setreuid(1234, 1234) != 0) {
            return "no user";
        }
        const Result<GuestPath> entered = sys::enter_container(container, {});
        return entered ? work() : "error: " + entered.error().what;
    });
}

std::string status_line(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(key + ":")) {
            return line.substr(line.find_first_not_of(" \t", key.size() + 1));
        }
    }
    return "none";
}

std::string errno_of(long result) {
    return result >= 0 ? "succeeded" : strerrorname_np(errno);
}

}  // namespace

TEST_CASE("a task in a container holds no capability and cannot gain one") {
    for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        INFO(set);
        CHECK(as_task([&] { return status_line(set); }) == "0000000000000000");
    }
    CHECK(as_task([] { return status_line("NoNewPrivs"); }) == "1");
    CHECK(as_task([] { return status_line("Uid"); }) == "1234\t1234\t1234\t1234");
}

TEST_CASE("each task has a mount namespace of its own") {
    CHECK(as_task([] { return errno_of(unshare(CLONE_NEWNS)); }) == "EPERM");
    const auto link = [] { return std::filesystem::read_symlink("/proc/self/ns/mnt").string(); };
    CHECK(as_task(link) != link());
}

TEST_CASE("the first working directory that exists is entered") {
    CHECK(as_task([] { return std::filesystem::current_path().string(); }) == "/usr");
}

TEST_CASE("ranks share PID, IPC, network and host name unless they ask otherwise") {
    const auto link = [](const char* name) {
        return std::filesystem::read_symlink(std::string("/proc/self/ns/") + name).string();
    };
    for (const char* const name : {"pid", "ipc", "net", "uts"}) {
        INFO(name);
        CHECK(as_task([&] { return link(name); }) == link(name));
    }
    const Namespaces all{.pid = true, .ipc = true, .net = true, .uts = true};
    for (const char* const name : {"pid", "ipc", "net", "uts"}) {
        INFO(name);
        const std::string own = as_task([&] { return link(name); }, all);
        CHECK(own != link(name));
        CHECK(own.find(name) == 0);
    }
}

TEST_CASE("a task with a PID namespace sees only its own processes") {
    CHECK(as_task([] { return std::to_string(getpid()); }, {.pid = true}) == "2");
    CHECK(as_task([] { return std::filesystem::exists("/proc/3") ? "more" : "alone"; },
                  {.pid = true}) == "alone");
}

TEST_CASE("a task in a PID namespace ends as its program ends") {
    CHECK(as_task([]() -> std::string { _exit(7); }, {.pid = true}) ==
          "died: " + std::to_string(7 << 8) + " ");
    CHECK(as_task(
              []() -> std::string {
                  signal(SIGTERM, SIG_DFL);  // Catch has a handler of its own
                  raise(SIGTERM);
                  return "alive";
              },
              {.pid = true}) == "died: " + std::to_string(SIGTERM) + " ");
}

TEST_CASE("a network namespace has its loopback interface up") {
    const std::string flags = as_task(
        [] {
            std::ifstream file("/proc/net/fib_trie");
            return std::string(std::istreambuf_iterator<char>(file), {});
        },
        {.net = true});
    CHECK(flags.find("127.0.0.1") != std::string::npos);
}

TEST_CASE("no descriptor of slurmstepd survives into the program") {
    CHECK(as_task([] {
              const int before = open("/dev/null", O_RDONLY);  // as careless code would
              const int flags = fcntl(before, F_GETFD);
              return std::to_string(flags & FD_CLOEXEC);
          }) == "0");
    const int leak = open("/dev/null", O_RDONLY);
    CHECK(as_task([&] { return std::to_string(fcntl(leak, F_GETFD) & FD_CLOEXEC); }) == "1");
    close(leak);
}

TEST_CASE("the default seccomp filter refuses what tasks must not do, and keeps what MPI needs") {
    const Result<std::string> filter = sys::compile_seccomp(formats::default_seccomp_profile());
    REQUIRE(filter);
    const auto with_filter = [&](const std::function<std::string()>& work) {
        return as_task(work, {}, *filter);
    };
    CHECK(with_filter([] { return status_line("Seccomp"); }) == "2");
    CHECK(with_filter([] { return errno_of(unshare(CLONE_NEWUSER)); }) == "EPERM");
    CHECK(with_filter([] { return errno_of(syscall(SYS_keyctl, 0, 0)); }) == "EPERM");
    CHECK(with_filter([] { return errno_of(syscall(SYS_io_uring_setup, 1, nullptr)); }) ==
          "ENOSYS");
    CHECK(with_filter([] {
              const pid_t child = fork();
              if (child == 0) {
                  _exit(0);
              }
              return errno_of(waitpid(child, nullptr, 0));
          }) == "succeeded");
    CHECK(with_filter([] {
              char from[4] = "abc";
              char to[4] = {};
              const iovec local{to, 4};
              const iovec remote{from, 4};
              return errno_of(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
          }) == "succeeded");
}
