// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/squashfuse.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/wait.h>

#include <cerrno>
#include <vector>

#include "core/sys/file.hpp"
#include "core/sys/mount.hpp"
#include "core/sys/privileges.hpp"

namespace lading::sys {
namespace {

constexpr int kImageFd = 3;
constexpr int kConnectionFd = 4;

/// In the child: leaves the namespace, becomes the user, and turns into squashfuse.  libfuse 3.3
/// and later take `/dev/fd/N` for a connection that is mounted already.
[[noreturn]] void run_squashfuse(const std::string& squashfuse, int image, std::uint64_t offset,
                                 int connection, const User& user, int outer) {
    std::vector<gid_t> groups;
    for (const Group& group : user.groups) {
        groups.push_back(group.gid);
    }
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    // High numbers first, so that neither descriptor overwrites the other.
    const int high_image = fcntl(image, F_DUPFD, 10);
    const int high_connection = fcntl(connection, F_DUPFD, 10);
    const bool ready = setns(outer, CLONE_NEWNS) == 0 && setsid() >= 0 && chdir("/") == 0 &&
                       null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 &&
                       dup2(null, 2) == 2 && dup2(high_image, kImageFd) == kImageFd &&
                       dup2(high_connection, kConnectionFd) == kConnectionFd &&
                       close_range(kConnectionFd + 1, ~0U, 0) == 0 &&
                       become_user(user.uid, user.gid, groups).has_value();
    if (ready) {
        const std::string where = fmt::format("offset={}", offset);
        const char* const arguments[] = {"squashfuse", "-f",        "-o",   where.c_str(),
                                         "/dev/fd/3",  "/dev/fd/4", nullptr};
        const char* const environment[] = {"PATH=/usr/bin:/bin", nullptr};
        execve(squashfuse.c_str(), const_cast<char* const*>(arguments),
               const_cast<char* const*>(environment));
    }
    _exit(127);
}

}  // namespace

Result<Fd> mount_by_squashfuse(const std::string& squashfuse, int image, std::uint64_t offset,
                               const User& user, int outer, const std::string& name) {
    if (access(squashfuse.c_str(), X_OK) != 0) {
        return fail_errno(
            Code::site, fmt::format("this image must be mounted by squashfuse, but {}", squashfuse),
            "install squashfuse, or name it in lading.json ($.squashfuse)");
    }
    Fd connection(open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!connection.valid()) {
        return fail_errno(Code::system, "cannot open /dev/fuse to mount a user's own image",
                          "ask the administrator to load the fuse module (modprobe fuse)");
    }
    Fd mount = TRY(make_fuse(connection.get(), user.uid, user.gid, name));
    // The server outlives this process and is reaped by the node's init: forked twice.
    const pid_t child = fork();
    if (child < 0) {
        return fail_errno(Code::system, "cannot start squashfuse");
    }
    if (child == 0) {
        const pid_t server = fork();
        if (server == 0) {
            run_squashfuse(squashfuse, image, offset, connection.get(), user, outer);
        }
        _exit(server < 0 ? 1 : 0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        return fail(Code::system, "cannot start squashfuse: no process could be made");
    }
    return mount;
}

}  // namespace lading::sys
