// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/mount.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <cerrno>
#include <initializer_list>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

/// A file system in the making (fsopen).  What the kernel has to say about a failure waits in the
/// descriptor as lines `e overlay: …`; they beat strerror.
class FileSystem {
  public:
    static Result<FileSystem> open(const char* type, std::string name) {
        Fd context(fsopen(type, FSOPEN_CLOEXEC));
        if (!context.valid()) {
            return fail_errno(Code::system, fmt::format("this kernel offers no {}", type));
        }
        return FileSystem(std::move(context), std::move(name));
    }

    Result<> set(const char* key, const std::string& value) {
        return check(fsconfig(context_.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0), key);
    }
    Result<> set(const char* flag) {
        return check(fsconfig(context_.get(), FSCONFIG_SET_FLAG, flag, nullptr, 0), flag);
    }

    Result<Fd> mount(unsigned attributes) {
        TRY(check(fsconfig(context_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "create"));
        Fd mounted(fsmount(context_.get(), FSMOUNT_CLOEXEC, attributes));
        TRY(check(mounted.valid() ? 0 : -1, "mount"));
        return mounted;
    }

  private:
    FileSystem(Fd context, std::string name)
        : context_(std::move(context)), name_(std::move(name)) {}

    Result<> check(int result, const char* step) {
        if (result == 0) {
            return {};
        }
        const int number = errno;
        std::string said;
        char line[512];
        for (ssize_t got; (got = read(context_.get(), line, sizeof line)) > 0;) {
            said += fmt::format("; {}", std::string_view(line, static_cast<std::size_t>(got)));
        }
        while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) {
            said.pop_back();
        }
        errno = number;
        return fail_errno(Code::system, fmt::format("cannot mount {} ({}{})", name_, step, said));
    }

    Fd context_;
    std::string name_;
};

}  // namespace

Result<> enter_private_mount_namespace() {
    if (unshare(CLONE_NEWNS) != 0) {
        return fail_errno(Code::system, "cannot make a mount namespace");
    }
    if (::mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) {
        return fail_errno(Code::system, "cannot keep mounts from spreading to the host");
    }
    return {};
}

Result<> return_to_mount_namespace(int mounts, int root) {
    // setns lands at the namespace's root, which need not have been the process' own.
    if (setns(mounts, CLONE_NEWNS) != 0 || fchdir(root) != 0 || chroot(".") != 0) {
        return fail_errno(Code::system, "cannot leave a mount namespace");
    }
    return {};
}

Result<Fd> clone_tree(int source, const std::string& name) {
    Fd tree(
        open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH));
    if (!tree.valid()) {
        return fail_errno(Code::system, fmt::format("cannot bind {}", name));
    }
    return tree;
}

Result<> set_mount_flags(int mount, std::uint64_t flags, bool recursive, const std::string& name) {
    mount_attr attributes{};
    attributes.attr_set = flags;
    const unsigned at = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    if (mount_setattr(mount, "", at, &attributes, sizeof attributes) != 0) {
        return fail_errno(Code::system, fmt::format("cannot restrict the mount of {}", name));
    }
    return {};
}

Result<Fd> make_tmpfs(std::uint64_t bytes, const std::string& name) {
    FileSystem tmpfs = TRY(FileSystem::open("tmpfs", name));
    TRY(tmpfs.set("mode", "0755"));
    TRY(tmpfs.set("size", std::to_string(bytes)));
    return tmpfs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

Result<Fd> make_squashfs(const std::string& device, const std::string& name) {
    FileSystem squashfs = TRY(FileSystem::open("squashfs", name));
    TRY(squashfs.set("source", device));
    TRY(squashfs.set("ro"));
    return squashfs.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

Result<Fd> make_fuse(int connection, unsigned uid, unsigned gid, const std::string& name) {
    FileSystem fuse = TRY(FileSystem::open("fuse", name));
    TRY(fuse.set("source", "squashfuse"));
    TRY(fuse.set("subtype", "squashfuse"));
    TRY(fuse.set("fd", std::to_string(connection)));
    TRY(fuse.set("rootmode", "40000"));
    TRY(fuse.set("user_id", std::to_string(uid)));
    TRY(fuse.set("group_id", std::to_string(gid)));
    TRY(fuse.set("default_permissions"));
    TRY(fuse.set("allow_other"));
    TRY(fuse.set("ro"));
    return fuse.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

Result<Fd> make_overlay(const std::string& lower, const std::string& upper,
                        const std::string& work) {
    FileSystem overlay = TRY(FileSystem::open("overlay", "the container's root"));
    TRY(overlay.set("source", "lading"));
    TRY(overlay.set("lowerdir", lower));
    TRY(overlay.set("upperdir", upper));
    TRY(overlay.set("workdir", work));
    return overlay.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

Result<Fd> make_proc() {
    FileSystem proc = TRY(FileSystem::open("proc", "/proc"));
    return proc.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

Result<> attach(int mount, int target, const std::string& name) {
    if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
        return fail_errno(Code::system, fmt::format("cannot attach the mount of {}", name));
    }
    return {};
}

Result<> change_root(int root) {
    // pivot_root(".", ".") stacks the old root on the new one, so that no directory is needed to
    // put it; the detached unmount then takes it away (pivot_root(2), NOTES).
    if (fchdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) {
        return fail_errno(Code::system, "cannot enter the container's root");
    }
    return {};
}

}  // namespace lading::sys
