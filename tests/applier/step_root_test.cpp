// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/step_root.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "catch.hpp"
#include "core/sys/file.hpp"
#include "core/sys/idmap.hpp"
#include "core/sys/loop_device.hpp"
#include "core/sys/mount.hpp"
#include "core/sys/privileges.hpp"
#include "namespace_child.hpp"

namespace {

using namespace lading;
using test::in_child;
using test::ScratchDirectory;

/// An image with an ordinary root file system's habits.
struct Image {
    ScratchDirectory scratch;
    std::string file = scratch.path("image.sqsh");

    explicit Image(const std::function<void(const std::string&)>& more = {}) {
        const std::string root = scratch.path("root");
        test::write_file(root + "/etc/motd", "from the image\n");
        test::write_file(root + "/bin/tool", "#!/bin/sh\n");
        std::filesystem::create_directories(root + "/tmp");
        if (more) {
            more(root);
        }
        test::make_squashfs(root, file);
    }
};

Result<sys::StepRoot> assemble(const std::string& file, std::uint64_t scratch = 16 << 20) {
    TRY(sys::enter_private_mount_namespace());
    const sys::Fd image(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    const sys::LoopDevice loop = TRY(sys::attach_loop_device(image.get(), file));
    return sys::StepRoot::assemble(TRY(sys::make_squashfs(loop.path, file)), scratch);
}

/// Runs `work` with an assembled root in a child; its error is the text.
std::string with_root(const Image& image,
                      const std::function<Result<std::string>(sys::StepRoot&)>& work,
                      std::uint64_t scratch = 16 << 20) {
    return in_child([&]() -> std::string {
        Result<sys::StepRoot> root = assemble(image.file, scratch);
        if (!root) {
            return "error: " + root.error().what;
        }
        const Result<std::string> said = work(*root);
        return said ? *said : "error: " + said.error().what;
    });
}

std::string errno_of(bool succeeded) {
    return succeeded ? "succeeded" : strerrorname_np(errno);
}

}  // namespace

TEST_CASE("the image's files are the container's root") {
    const Image image;
    CHECK(with_root(image, [](sys::StepRoot& root) -> Result<std::string> {
              TRY(root.finish(false));
              return sys::read_file("/etc/motd", 100);
          }) == "from the image\n");
}

TEST_CASE("nothing of the host is left below a container's root") {
    const Image image;
    CHECK(with_root(image, [](sys::StepRoot& root) -> Result<std::string> {
              TRY(root.finish(false));
              return std::string(std::filesystem::exists("/proc/self") ? "proc" : "clean");
          }) == "clean");
}

TEST_CASE("a read-only container cannot be written, a writable one can, and the image stays") {
    const Image image;
    const auto try_write = [](bool writable) {
        return [writable](sys::StepRoot& root) -> Result<std::string> {
            TRY(root.finish(writable));
            return errno_of(open("/etc/new", O_WRONLY | O_CREAT, 0644) >= 0);
        };
    };
    CHECK(with_root(image, try_write(false)) == "EROFS");
    CHECK(with_root(image, try_write(true)) == "succeeded");
    CHECK(with_root(image, [](sys::StepRoot& root) -> Result<std::string> {
              TRY(root.finish(false));
              return errno_of(access("/etc/new", F_OK) == 0);
          }) == "ENOENT");
}

TEST_CASE("a mount point that the image lacks is made, with its parents") {
    const Image image;
    const ScratchDirectory data;
    test::write_file(data.path("file"), "host data");
    CHECK(with_root(image, [&](sys::StepRoot& root) -> Result<std::string> {
              // Cloned from a descriptor that was opened before /tmp was covered.
              const sys::Fd source = sys::open_in_root(root.root(), "/", O_PATH);
              const sys::Fd tree = TRY(sys::make_tmpfs(1 << 20, "a test"));
              TRY(root.mount(tree.get(), TRY(root.mount_point({"/a/b/c"}, true))));
              TRY(root.finish(false));
              return errno_of(open("/a/b/c/new", O_WRONLY | O_CREAT, 0644) >= 0);
          }) == "succeeded");
}

TEST_CASE("a link of the image that leads out of the root stays inside") {
    const ScratchDirectory victim;
    const Image image([&](const std::string& root) {
        std::filesystem::create_symlink("../../../../../.." + victim.path(), root + "/up");
        std::filesystem::create_symlink(victim.path(), root + "/absolute");
    });
    for (const char* const link : {"/up/new", "/absolute/new"}) {
        INFO(link);
        const std::string said = with_root(image, [&](sys::StepRoot& root) -> Result<std::string> {
            TRY(root.write({link}, "bytes"));
            return std::string("written");
        });
        CHECK(said.find("error") == 0);
        CHECK(std::filesystem::is_empty(victim.path()));
    }
}

TEST_CASE("a mount point is told by where the image's links lead") {
    const Image image([](const std::string& root) {
        std::filesystem::create_directories(root + "/proc/self");
        std::filesystem::create_symlink("../proc", root + "/etc/innocent");
        test::write_file(root + "/proc/cmdline", "");
        std::filesystem::create_symlink("../proc/cmdline", root + "/etc/file");
    });
    const auto where = [&](const char* target, bool directory = true) {
        return with_root(image, [&](sys::StepRoot& root) -> Result<std::string> {
            return TRY(root.mount_point({target}, directory)).where.value;
        });
    };
    CHECK(where("/etc/innocent") == "/proc");
    CHECK(where("/etc/innocent/self") == "/proc/self");
    CHECK(where("/new") == "/new");
    CHECK(where("/etc/innocent/cmdline", false) == "/proc/cmdline");
    CHECK(where("/etc/innocent/new", false) == "/proc/new");
    CHECK(where("/etc/file", false) == "/proc/cmdline");
    CHECK(where("/etc/motd", false) == "/etc/motd");
}

TEST_CASE("a directory is looked up anew once a mount may have hidden it") {
    const Image image;
    const std::string said = with_root(image, [](sys::StepRoot& root) -> Result<std::string> {
        TRY(root.write({"/etc/before"}, "x"));
        const sys::Fd host = TRY(sys::make_tmpfs(1 << 20, "the host's directory"));
        TRY(root.mount(host.get(), TRY(root.mount_point({"/etc"}, true))));
        const bool made = root.mount_point({"/etc/after"}, false).has_value();
        return std::string(root.write({"/etc/after"}, "x") || made ? "made" : "refused");
    });
    CHECK(said == "refused");
}

TEST_CASE("nothing is made or replaced in a host directory that an image's link leads to") {
    // /etc of the image is a link into what will be a bind of the host's: root must not write
    // there.
    const Image image([](const std::string& root) {
        std::filesystem::remove_all(root + "/etc");
        std::filesystem::create_symlink("/host", root + "/etc");
        std::filesystem::create_directories(root + "/host");
    });
    const std::string said = with_root(image, [](sys::StepRoot& root) -> Result<std::string> {
        const sys::Fd host = TRY(sys::make_tmpfs(1 << 20, "the host's directory"));
        const sys::Fd precious(openat(host.get(), "hosts", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        TRY(root.mount(host.get(), TRY(root.mount_point({"/host"}, true))));
        std::string outcome;
        for (const Result<>& tried :
             {root.write({"/etc/hosts"}, "x"), root.write({"/etc/new"}, "x")}) {
            outcome += tried ? "written " : "refused ";
        }
        struct stat status {};
        return outcome +
               (fstat(precious.get(), &status) == 0 && status.st_nlink == 1 ? "kept" : "lost");
    });
    CHECK(said == "refused refused kept");
}

TEST_CASE("a full scratch space is an error that says so") {
    const Image image;
    const std::string said = with_root(
        image,
        [](sys::StepRoot& root) -> Result<std::string> {
            TRY(root.write({"/etc/big"}, std::string(4 << 20, 'x')));
            return std::string("written");
        },
        1 << 20);
    CHECK(said.find("scratch space is full") != std::string::npos);
}

TEST_CASE("a file of the image is replaced as a new file of root's, not written through its link") {
    const Image image([](const std::string& root) {
        std::filesystem::create_symlink("/run/systemd/resolve/stub", root + "/etc/resolv.conf");
    });
    CHECK(with_root(image, [](sys::StepRoot& root) -> Result<std::string> {
              TRY(root.write({"/etc/resolv.conf"}, "nameserver 192.0.2.1\n"));
              TRY(root.finish(false));
              return sys::read_file("/etc/resolv.conf", 100);
          }) == "nameserver 192.0.2.1\n");
}

TEST_CASE("the root's mount keeps no set-user-id bit and no device") {
    const Image image;
    CHECK(with_root(image, [](sys::StepRoot& root) -> Result<std::string> {
              TRY(root.finish(true));
              struct stat status {};
              if (mknod("/null", S_IFCHR | 0666, makedev(1, 3)) != 0 ||
                  stat("/null", &status) != 0) {
                  return errno_of(false);
              }
              return errno_of(open("/null", O_RDONLY) >= 0);
          }) == "EACCES");
}

TEST_CASE("loop devices vanish with the container") {
    const int before = test::loop_devices_in_use();
    const Image image;
    const std::string said = with_root(image, [&](sys::StepRoot& root) -> Result<std::string> {
        const std::string during = std::to_string(test::loop_devices_in_use() - before);
        TRY(root.finish(false));
        return during;
    });
    CHECK(said == "1");
    CHECK(test::loop_devices_in_use() == before);
}

TEST_CASE("in a writable container root's files of the image can be written by the user") {
    const Image image([](const std::string& root) { chmod((root + "/etc/motd").c_str(), 0600); });
    const std::string said = in_child([&]() -> std::string {
        const auto work = [&]() -> Result<std::string> {
            TRY(sys::enter_private_mount_namespace());
            const sys::Fd file(open(image.file.c_str(), O_RDONLY | O_CLOEXEC));
            const sys::LoopDevice loop = TRY(sys::attach_loop_device(file.get(), image.file));
            sys::Fd lower = TRY(sys::make_squashfs(loop.path, image.file));
            const User user{1234, 1234, "u", "", "/", "/bin/sh", {{1234, "u"}}};
            if (!TRY(sys::give_root_files_to(user, lower.get(), image.file))) {
                return std::string("unsupported");
            }
            sys::StepRoot root = TRY(sys::StepRoot::assemble(std::move(lower), 16 << 20));
            TRY(root.finish(true));
            TRY(sys::become_user(1234, 1234, {1234}));
            return errno_of(open("/etc/motd", O_WRONLY) >= 0) + " " +
                   errno_of(mkdir("/etc/mine", 0755) == 0);
        };
        const Result<std::string> outcome = work();
        return outcome ? *outcome : outcome.error().what;
    });
    CHECK(said == "succeeded succeeded");
}
