// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/idmap.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

/// All ids map to themselves, except that 0 and `id` change places.
std::string swap_with_root(unsigned id) {
    if (id == 0) {
        return "0 0 4294967295\n";
    }
    std::string map = fmt::format("0 {} 1\n{} 0 1\n", id, id);
    if (id > 1) {
        map += fmt::format("1 1 {}\n", id - 1);
    }
    map += fmt::format("{} {} {}\n", id + 1, id + 1, 4294967295U - (id + 1));
    return map;
}

/// A process that holds a user namespace until it is killed.  No SIGCHLD handler, no exec, no
/// allocation: it only waits.
class NamespaceHolder {
  public:
    NamespaceHolder() {
        int ready[2];
        if (pipe2(ready, O_CLOEXEC) != 0) {
            return;
        }
        const Fd reading(ready[0]);
        Fd writing(ready[1]);
        pid_ = fork();
        if (pid_ == 0) {
            const char ok = unshare(CLONE_NEWUSER) == 0 ? 1 : 0;
            if (write(writing.get(), &ok, 1) == 1) {
                pause();
            }
            _exit(0);
        }
        writing.reset();
        char ok = 0;
        ready_ = pid_ > 0 && read(reading.get(), &ok, 1) == 1 && ok == 1;
    }
    NamespaceHolder(const NamespaceHolder&) = delete;
    NamespaceHolder& operator=(const NamespaceHolder&) = delete;
    ~NamespaceHolder() {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
            }
        }
    }

    bool ready() const { return ready_; }
    std::string path(const char* file) const { return fmt::format("/proc/{}/{}", pid_, file); }

  private:
    pid_t pid_ = -1;
    bool ready_ = false;
};

Result<> write_map(const std::string& path, const std::string& map) {
    const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid()) {
        return fail_errno(Code::system, fmt::format("cannot open {}", path));
    }
    return write_all(file.get(), map, path);
}

}  // namespace

Result<bool> give_root_files_to(const User& user, int mount, const std::string& name) {
    const NamespaceHolder holder;
    if (!holder.ready()) {
        return false;  // user namespaces are switched off on this node
    }
    TRY(write_map(holder.path("uid_map"), swap_with_root(user.uid)));
    TRY(write_map(holder.path("gid_map"), swap_with_root(user.gid)));
    const Fd users(open(holder.path("ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    if (!users.valid()) {
        return fail_errno(Code::system, "cannot open a user namespace");
    }
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(users.get());
    if (mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) {
        return true;
    }
    if (errno == EINVAL || errno == EOPNOTSUPP) {
        return false;
    }
    return fail_errno(Code::system, fmt::format("cannot map the owners of {}", name));
}

}  // namespace lading::sys
