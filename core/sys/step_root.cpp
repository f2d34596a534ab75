// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/step_root.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "core/sys/file.hpp"
#include "core/sys/mount.hpp"

namespace lading::sys {
namespace {

/// In the private namespace only: exists everywhere, and what the step binds of it was cloned
/// before it is covered.
constexpr const char* kBase = "/tmp";

/// Descriptors are few.
constexpr std::size_t kMostDirectories = 16;

/// `/a/b/c` → {`/a/b`, `c`}
std::pair<std::string, std::string> split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

tl::unexpected<Error> fail_in_root(const std::string& path, std::string_view action) {
    if (errno == ENOSPC) {
        return fail_errno(
            Code::system,
            fmt::format("the container's scratch space is full: cannot {} {}", action, path),
            "the site sets its size in lading.json ($.writable.size)");
    }
    return fail_errno(Code::bad_image, fmt::format("cannot {} {} in the container", action, path),
                      "the image has something else at that path, or a dangling symbolic link");
}

tl::unexpected<Error> fail_directory(const GuestPath& target) {
    return fail(
        Code::usage,
        fmt::format("cannot mount a file on {}: the image has a directory there", target.value),
        "name the file itself as the target of the mount");
}

Result<std::uint64_t> mount_id(int fd) {
    struct statx status {};
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0 ||
        (status.stx_mask & STATX_MNT_ID) == 0) {
        return fail_errno(Code::system, "cannot tell the container's mounts apart");
    }
    return status.stx_mnt_id;
}

/// A directory of the image may be a link into a directory of the host that is bound already (an
/// /etc that points to /tmp/x): nothing is ever made or replaced there, since this process is root.
tl::unexpected<Error> fail_not_ours(const std::string& path) {
    return fail(Code::refused,
                fmt::format("{} does not exist, and lies in a directory of the host where nothing "
                            "is made for a mount",
                            path),
                "make it on the host first, or mount to another place");
}

/// The overlay shows the upper directory's owner and mode as the root's own.
Result<> copy_root_attributes(int lower, int upper) {
    struct stat status {};
    if (fstat(lower, &status) != 0) {
        return fail_errno(Code::bad_image, "cannot read the image's root directory",
                          "the image may be damaged: check it with 'lading inspect'");
    }
    if (fchown(upper, status.st_uid, status.st_gid) != 0 ||
        fchmod(upper, status.st_mode & 07777) != 0) {
        return fail_errno(Code::system, "cannot prepare the container's root directory");
    }
    return {};
}

}  // namespace

Result<StepRoot> StepRoot::assemble(Fd lower, std::uint64_t scratch_bytes) {
    const Fd scratch = TRY(make_tmpfs(scratch_bytes, "the container's scratch space"));
    const Fd base(open(kBase, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!base.valid()) {
        return fail_errno(Code::system, fmt::format("cannot open {}", kBase));
    }
    TRY(attach(scratch.get(), base.get(), "the container's scratch space"));
    Fd directories[4];
    constexpr const char* kNames[] = {"lower", "upper", "work", "root"};
    for (int i = 0; i < 4; ++i) {
        if (mkdirat(scratch.get(), kNames[i], 0755) == 0) {
            directories[i] =
                Fd(openat(scratch.get(), kNames[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        }
        if (!directories[i].valid()) {
            return fail_errno(Code::system, "cannot prepare the container's scratch space");
        }
    }
    TRY(copy_root_attributes(lower.get(), directories[1].get()));
    TRY(attach(lower.get(), directories[0].get(), "the image"));
    const std::string base_path = kBase;
    const Fd overlay =
        TRY(make_overlay(base_path + "/lower", base_path + "/upper", base_path + "/work"));
    TRY(attach(overlay.get(), directories[3].get(), "the container's root"));
    Fd root(openat(scratch.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) {
        return fail_errno(Code::system, "cannot open the container's root");
    }
    std::string path = TRY(descriptor_path(root.get()));
    const std::uint64_t mount = TRY(mount_id(root.get()));
    return StepRoot(std::move(root), std::move(path), mount);
}

/// Every step is resolved anew from the root, by the kernel and inside the root: a symbolic link of
/// the image, hostile or not, can lead nowhere else.
Result<Fd> StepRoot::make_directories(const std::string& path) {
    Fd directory = open_in_root(root(), path, O_PATH | O_DIRECTORY);
    if (directory.valid()) {
        return directory;
    }
    if (errno != ENOENT || path == "/") {
        return fail_in_root(path, "open the directory");
    }
    const auto [parent, name] = split(path);
    const Fd above = TRY(make_directories(parent));
    if (TRY(mount_id(above.get())) != mount_) {
        return fail_not_ours(path);
    }
    if (mkdirat(above.get(), name.c_str(), 0755) != 0) {
        return fail_in_root(path, "make the directory");
    }
    directory = open_in_root(root(), path, O_PATH | O_DIRECTORY);
    if (!directory.valid()) {
        return fail_in_root(path, "open the directory");
    }
    return directory;
}

Result<const StepRoot::Directory*> StepRoot::directory(const std::string& path) {
    if (const auto known = directories_.find(path); known != directories_.end()) {
        return &known->second;
    }
    Directory directory;
    directory.fd = TRY(make_directories(path));
    directory.where = TRY(where(directory.fd.get()));
    directory.ours = TRY(mount_id(directory.fd.get())) == mount_;
    if (directories_.size() == kMostDirectories) {
        directories_.clear();
    }
    return &directories_.emplace(path, std::move(directory)).first->second;
}

Result<MountPoint> StepRoot::mount_point(const GuestPath& target, bool directory) {
    if (!directory) {
        return file_point(target);
    }
    Fd point = TRY(make_directories(target.value));
    const std::string path = TRY(where(point.get()));
    return MountPoint{std::move(point), {path.empty() ? "/" : path}, true};
}

Result<MountPoint> StepRoot::file_point(const GuestPath& target) {
    const auto [parent, name] = split(target.value);
    const Directory& above = *TRY(directory(parent));
    Fd point(openat(above.fd.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!point.valid() && errno == ENOENT) {
        if (!above.ours) {
            return fail_not_ours(target.value);
        }
        point = Fd(openat(above.fd.get(), name.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!point.valid()) {
            return fail_in_root(target.value, "make");
        }
        return MountPoint{std::move(point), {above.where + '/' + name}, false};
    }
    struct stat status {};
    if (!point.valid() || fstat(point.get(), &status) != 0) {
        return fail_in_root(target.value, "open");
    }
    if (S_ISLNK(status.st_mode)) {
        return linked_point(target);
    }
    if (S_ISDIR(status.st_mode)) {
        return fail_directory(target);
    }
    return MountPoint{std::move(point), {above.where + '/' + name}, false};
}

Result<MountPoint> StepRoot::linked_point(const GuestPath& target) const {
    Fd point = open_in_root(root(), target.value, O_PATH);
    struct stat status {};
    if (!point.valid() || fstat(point.get(), &status) != 0) {
        return fail_in_root(target.value, "open");
    }
    if (S_ISDIR(status.st_mode)) {
        return fail_directory(target);
    }
    std::string path = TRY(where(point.get()));
    return MountPoint{std::move(point), {std::move(path)}, false};
}

/// A file's mount changes no directory.
Result<> StepRoot::mount(int tree, const MountPoint& point) {
    if (point.directory) {
        directories_.clear();
    }
    return attach(tree, point.fd.get(), point.where.value);
}

Result<std::string> StepRoot::where(int fd) const {
    const std::string path = TRY(descriptor_path(fd));
    if (path != path_ && !path.starts_with(path_ + "/")) {
        return fail(Code::internal, fmt::format("{} lies outside of the container", path));
    }
    return path.substr(path_.size());
}

Result<> StepRoot::write(const GuestPath& target, std::string_view bytes, unsigned mode) {
    const auto [parent, name] = split(target.value);
    const Directory& above = *TRY(directory(parent));
    if (!above.ours) {
        return fail_not_ours(target.value);
    }
    // Made anew: opening the image's own would follow its link or keep its mode and owner.
    if (unlinkat(above.fd.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        return fail_in_root(target.value, "replace");
    }
    const Fd file(openat(above.fd.get(), name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file.valid()) {
        return fail_in_root(target.value, "write");
    }
    if (!write_all(file.get(), bytes, target.value)) {
        return fail_in_root(target.value, "write");
    }
    // The umask was the caller's.
    if (fchmod(file.get(), mode) != 0) {
        return fail_in_root(target.value, "write");
    }
    return {};
}

Result<Fd> StepRoot::finish(bool writable) {
    if (!writable) {
        TRY(set_mount_flags(root(), MOUNT_ATTR_RDONLY, false, "the container's root"));
    }
    Fd mounts(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    if (!mounts.valid()) {
        return fail_errno(Code::system, "cannot open the mount namespace");
    }
    TRY(change_root(root()));
    return mounts;
}

}  // namespace lading::sys
