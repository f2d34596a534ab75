// SPDX-License-Identifier: BSD-3-Clause
// Once per node and step, in a child: squashfs on a loop device, overlay on tmpfs, the node's
// directories, the account files, pivot_root; then the mount namespace and the root go to the
// parent.
#include "floor_root.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace {

int make_file_system(const char* type, const std::vector<std::pair<const char*, std::string>>& set,
                     unsigned attributes) {
    const int context = check(fsopen(type, FSOPEN_CLOEXEC), type);
    for (const auto& [key, value] : set) {
        check(fsconfig(context, FSCONFIG_SET_STRING, key, value.c_str(), 0), key);
    }
    if ((attributes & MOUNT_ATTR_RDONLY) != 0) {
        check(fsconfig(context, FSCONFIG_SET_FLAG, "ro", nullptr, 0), "ro");
    }
    check(fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), type);
    const int mount = check(fsmount(context, FSMOUNT_CLOEXEC, attributes), type);
    close(context);
    return mount;
}

void move_to(int mount, int target) {
    check(move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
          "move_mount");
    close(mount);
}

int mount_image(const std::string& image) {
    const int file = check(open(image.c_str(), O_RDONLY | O_CLOEXEC), image.c_str());
    const int control = check(open("/dev/loop-control", O_RDWR | O_CLOEXEC), "/dev/loop-control");
    loop_config config{};
    config.fd = static_cast<unsigned>(file);
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    for (int tries = 0; tries < 64; ++tries) {
        const int number = check(ioctl(control, LOOP_CTL_GET_FREE), "LOOP_CTL_GET_FREE");
        const std::string path = "/dev/loop" + std::to_string(number);
        const int device = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (device >= 0 && ioctl(device, LOOP_CONFIGURE, &config) == 0) {
            const int mount =
                make_file_system("squashfs", {{"source", path}},
                                 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
            close(device);
            close(control);
            close(file);
            return mount;
        }
        check(errno == EBUSY || errno == ENXIO ? 0 : -1, "LOOP_CONFIGURE");
        close(device);
    }
    check(-1, "no free loop device");
    return -1;
}

/// The node's directories, cloned before anything covers them.
std::vector<std::pair<std::string, int>> clone_binds(const std::string& home) {
    std::vector<std::pair<std::string, int>> binds;
    for (const std::string& path : {std::string("/proc"), std::string("/sys"), std::string("/dev"),
                                    std::string("/tmp"), std::string("/var/tmp"), home}) {
        if (path == "/") {
            continue;
        }
        const int tree = check(
            open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
            path.c_str());
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_NOSUID | (path == "/dev" ? 0 : MOUNT_ATTR_NODEV) |
                              (path == "/sys" ? MOUNT_ATTR_RDONLY : 0);
        check(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes),
              "mount_setattr");
        binds.emplace_back(path, tree);
    }
    return binds;
}

/// tmpfs on /tmp of this namespace, the image below it, and an overlay of both.
int assemble_root(int image) {
    const int scratch = make_file_system("tmpfs", {{"mode", "0755"}, {"size", "67108864"}},
                                         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    const int base = check(open("/tmp", O_PATH | O_CLOEXEC), "/tmp");
    const int kept = check(dup(scratch), "dup");
    move_to(scratch, base);
    close(base);
    for (const char* const name : {"lower", "upper", "work", "root"}) {
        check(mkdirat(kept, name, 0755), name);
    }
    const int lower = check(openat(kept, "lower", O_PATH | O_CLOEXEC), "lower");
    move_to(image, lower);
    close(lower);
    const int overlay = make_file_system("overlay",
                                         {{"source", "floor"},
                                          {"lowerdir", "/tmp/lower"},
                                          {"upperdir", "/tmp/upper"},
                                          {"workdir", "/tmp/work"}},
                                         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    const int point = check(openat(kept, "root", O_PATH | O_CLOEXEC), "root");
    move_to(overlay, point);
    close(point);
    const int root = check(openat(kept, "root", O_PATH | O_CLOEXEC), "root");
    close(kept);
    return root;
}

std::string read_whole(int directory, const char* path) {
    std::string bytes(1U << 16, '\0');
    const int file = check(openat(directory, path, O_RDONLY | O_CLOEXEC), path);
    bytes.resize(static_cast<std::size_t>(check(read(file, bytes.data(), bytes.size()), path)));
    close(file);
    return bytes;
}

void write_anew(int root, const char* path, const std::string& bytes) {
    unlinkat(root, path, 0);
    const int file = check(openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), path);
    check(write(file, bytes.data(), bytes.size()), path);
    close(file);
}

void write_files(int root, const Options& options) {
    const std::string id = std::to_string(options.uid);
    write_anew(root, "etc/resolv.conf", read_whole(AT_FDCWD, "/etc/resolv.conf"));
    write_anew(root, "etc/hosts", read_whole(AT_FDCWD, "/etc/hosts"));
    write_anew(root, "etc/passwd",
               read_whole(root, "etc/passwd") + "user:x:" + id + ":" + id + "::/:/bin/sh\n");
    write_anew(root, "etc/group", read_whole(root, "etc/group") + "user:x:" + id + ":\n");
}

void attach_binds(int root, const std::vector<std::pair<std::string, int>>& binds) {
    for (const auto& [path, tree] : binds) {
        const std::string relative = path.substr(1);
        for (std::size_t end = relative.find('/');; end = relative.find('/', end + 1)) {
            const std::string part = relative.substr(0, end);
            check(mkdirat(root, part.c_str(), 0755) == 0 || errno == EEXIST ? 0 : -1, part.c_str());
            if (end == std::string::npos) {
                break;
            }
        }
        const int point = check(openat(root, relative.c_str(), O_PATH | O_CLOEXEC), path.c_str());
        move_to(tree, point);
        close(point);
    }
}

void send_descriptors(int socket, int first, int second) {
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    char byte = 0;
    iovec data{&byte, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(2 * sizeof(int));
    const int both[2] = {first, second};
    std::memcpy(CMSG_DATA(header), both, sizeof both);
    check(sendmsg(socket, &message, 0), "sendmsg");
}

[[noreturn]] void build(int socket, const Options& options) {
    check(unshare(CLONE_NEWNS), "unshare");
    check(mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr), "mount --make-rslave");
    const auto binds = clone_binds(options.home);
    const int root = assemble_root(mount_image(options.image));
    write_files(root, options);
    attach_binds(root, binds);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    check(mount_setattr(root, "", AT_EMPTY_PATH, &attributes, sizeof attributes), "mount_setattr");
    const int mounts = check(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), "/proc/self/ns/mnt");
    check(fchdir(root), "fchdir");
    check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    check(umount2(".", MNT_DETACH), "umount2");
    send_descriptors(socket, mounts, check(open("/", O_PATH | O_CLOEXEC), "/"));
    _exit(0);
}

}  // namespace

int check(long result, const char* what) {
    if (result < 0) {
        std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(errno));
        _exit(1);
    }
    return static_cast<int>(result);
}

Container start_builder(const Options& options, pid_t& builder) {
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
    builder = check(fork(), "fork");
    if (builder == 0) {
        build(ends[1], options);
    }
    close(ends[1]);
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    char byte = 0;
    iovec data{&byte, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (check(recvmsg(ends[0], &message, MSG_CMSG_CLOEXEC), "recvmsg") != 1) {
        std::exit(1);  // the builder has said why
    }
    int both[2];
    std::memcpy(both, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof both);
    close(ends[0]);
    return {both[0], both[1]};
}
