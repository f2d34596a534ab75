// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/layer_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/remove_tree.hpp"

namespace lading::sys {
namespace {

constexpr mode_t kSharedMode = 01777;
constexpr mode_t kPrivateMode = 0700;
constexpr const char* kDirectories[] = {"blobs", "blobs/sha256", "incoming", "locks"};
constexpr const char* kAreaLock = ".lock";

/// A holder gives a sign of life several times a second.  One that was stopped, or another user's
/// who only wants to be in the way, is not waited for.
constexpr std::time_t kSilentSeconds = 30;
constexpr int kPollMilliseconds = 100;

/// Between making an area and locking it.
constexpr std::time_t kUnlockedSeconds = 60;

std::string hex_of(const std::string& digest) {
    return digest.substr(digest.find(':') + 1);
}

std::string blob_name(const std::string& digest) {
    return "blobs/sha256/" + hex_of(digest);
}

std::time_t age(const struct stat& status) {
    return std::time(nullptr) - status.st_mtime;
}

Result<> make_directories(const Fd& top, const std::string& path, mode_t mode) {
    for (const char* const name : kDirectories) {
        if (mkdirat(top.get(), name, mode) == 0) {
            const Fd made = open_beneath(top.get(), name, O_RDONLY | O_DIRECTORY);
            if (!made.valid() || fchmod(made.get(), mode) != 0) {
                return fail_errno(Code::system, fmt::format("cannot make {}/{}", path, name));
            }
        } else if (errno != EEXIST) {
            return fail_errno(Code::system, fmt::format("cannot make {}/{}", path, name));
        }
    }
    return {};
}

/// Another process may have removed the file between our opening and our locking it.
bool is_still_there(int directory, const std::string& name, const Fd& file) {
    struct stat ours {};
    struct stat there {};
    return fstat(file.get(), &ours) == 0 &&
           fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/// A file of another user in a sticky directory may be opened but not with O_CREAT
/// (fs.protected_regular).
Fd open_lock(int directory, const std::string& name) {
    Fd file = open_beneath(directory, name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (!file.valid() && errno == ENOENT) {
        // With its mode from the first moment: the next one may be about to open it.
        const mode_t before = umask(0);
        file = open_beneath(directory, name, O_RDWR | O_CREAT | O_EXCL, 0666);
        umask(before);
        if (!file.valid() && errno == EEXIST) {
            file = open_beneath(directory, name, O_RDWR | O_NOCTTY | O_NONBLOCK);
        }
    }
    return file;
}

void sweep(const Fd& incoming) {
    const auto names = directory_names(incoming.get(), "incoming");
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
        const Fd area = open_beneath(incoming.get(), name, O_RDONLY | O_DIRECTORY);
        struct stat status {};
        if (!area.valid() || fstat(area.get(), &status) != 0 || status.st_uid != geteuid()) {
            continue;
        }
        const Fd lock = open_beneath(area.get(), kAreaLock, O_RDWR);
        const bool alive = lock.valid() ? flock(lock.get(), LOCK_EX | LOCK_NB) != 0
                                        : age(status) < kUnlockedSeconds;
        if (!alive) {
            remove_tree(incoming.get(), name);
        }
    }
}

}  // namespace

Result<LayerCache> LayerCache::open(const std::string& path, bool shared) {
    if (!shared && mkdir(path.c_str(), kPrivateMode) != 0 && errno != EEXIST) {
        return fail_errno(Code::system, fmt::format("cannot make {}", path));
    }
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) {
        return fail_errno(shared ? Code::site : Code::system, fmt::format("cannot open {}", path),
                          shared ? "the administrator makes it (mode 1777): $.shared_layers in "
                                   "lading.json"
                                 : "");
    }
    TRY(make_directories(directory, path, shared ? kSharedMode : kPrivateMode));
    return LayerCache(path, std::move(directory));
}

std::optional<std::uint64_t> LayerCache::size_of(const std::string& digest) const {
    struct stat status {};
    if (fstatat(directory_.get(), blob_name(digest).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode)) {
        return {};
    }
    return static_cast<std::uint64_t>(status.st_size);
}

Result<> LayerCache::lend(const std::string& digest, int directory) const {
    // Fails for another user's, which its owner's pulls keep young.
    utimensat(directory_.get(), blob_name(digest).c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
    const std::string target = fmt::format("{}/{}", path_, blob_name(digest));
    if (symlinkat(target.c_str(), directory, hex_of(digest).c_str()) != 0) {
        return fail_errno(Code::system, fmt::format("cannot link to {}", target));
    }
    return {};
}

Result<> LayerCache::keep(const std::string& digest, int directory) const {
    const std::string name = hex_of(digest);
    struct stat status {};
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return fail_errno(Code::system, fmt::format("the blob {} did not come", digest));
    }
    if (!S_ISREG(status.st_mode)) {
        return {};  // lent
    }
    // Whoever shares the cache reads it.
    if (fchmodat(directory, name.c_str(), 0644, 0) != 0 ||
        (renameat2(directory, name.c_str(), directory_.get(), blob_name(digest).c_str(),
                   RENAME_NOREPLACE) != 0 &&
         errno != EEXIST)) {
        return fail_errno(Code::system, fmt::format("cannot keep {}/{}", path_, blob_name(digest)));
    }
    return {};
}

bool LayerCache::drop(const std::string& digest) const {
    return unlinkat(directory_.get(), blob_name(digest).c_str(), 0) == 0;
}

Result<LayerCache::Lock> LayerCache::lock(const std::string& digest,
                                          const std::function<void()>& waiting) const {
    const std::string name = "locks/" + hex_of(digest);
    bool told = false;
    for (;;) {
        Fd file = open_lock(directory_.get(), name);
        struct stat status {};
        if (!file.valid() || fstat(file.get(), &status) != 0) {
            return fail_errno(Code::system, fmt::format("cannot lock {}/{}", path_, name));
        }
        if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            if (is_still_there(directory_.get(), name, file)) {
                Lock held(directory_.get(), name, std::move(file));
                held.beat();
                return held;
            }
            continue;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail_errno(Code::system, fmt::format("cannot lock {}/{}", path_, name));
        }
        if (age(status) > kSilentSeconds) {
            return Lock(directory_.get(), name, Fd());
        }
        if (!told) {
            waiting();
            told = true;
        }
        poll(nullptr, 0, kPollMilliseconds);
    }
}

void LayerCache::Lock::beat() const {
    if (file_.valid()) {
        futimens(file_.get(), nullptr);
    }
}

LayerCache::Lock::~Lock() {
    if (file_.valid()) {
        unlinkat(directory_, name_.c_str(), 0);
    }
}

Result<LayerCache::Incoming> LayerCache::start() const {
    Fd parent = open_beneath(directory_.get(), "incoming", O_RDONLY | O_DIRECTORY);
    if (!parent.valid()) {
        return fail_errno(Code::system, fmt::format("cannot open {}/incoming", path_));
    }
    sweep(parent);
    char host[65] = {};
    gethostname(host, sizeof host - 1);
    for (unsigned attempt = 0;; ++attempt) {
        std::string name = fmt::format("{}.{}.{}", host, getpid(), attempt);
        std::string path = fmt::format("{}/incoming/{}", path_, name);
        if (mkdirat(parent.get(), name.c_str(), kPrivateMode) != 0) {
            if (errno == EEXIST && attempt < 1000) {
                continue;
            }
            return fail_errno(Code::system, fmt::format("cannot make {}", path));
        }
        Fd directory = open_beneath(parent.get(), name, O_RDONLY | O_DIRECTORY);
        Fd lock = open_beneath(directory.get(), kAreaLock, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (!lock.valid() || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            return fail_errno(Code::system, fmt::format("cannot lock {}", path));
        }
        return Incoming(std::move(parent), std::move(name), std::move(path), std::move(directory),
                        std::move(lock));
    }
}

Result<LayerCache::Unused> LayerCache::remove_unused(std::int64_t seconds, bool dry_run) const {
    Unused unused;
    const Fd blobs = open_beneath(directory_.get(), "blobs/sha256", O_RDONLY | O_DIRECTORY);
    const Fd incoming = open_beneath(directory_.get(), "incoming", O_RDONLY | O_DIRECTORY);
    if (!blobs.valid() || !incoming.valid()) {
        return fail_errno(Code::system, fmt::format("cannot open the layers in {}", path_));
    }
    if (!dry_run) {
        sweep(incoming);
    }
    for (const std::string& name : TRY(directory_names(blobs.get(), path_))) {
        struct stat status {};
        if (fstatat(blobs.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            age(status) < seconds || (geteuid() != 0 && status.st_uid != geteuid())) {
            continue;
        }
        if (dry_run || unlinkat(blobs.get(), name.c_str(), 0) == 0) {
            ++unused.blobs;
            unused.bytes += static_cast<std::uint64_t>(status.st_size);
        }
    }
    return unused;
}

LayerCache::Incoming::Incoming(Fd parent, std::string name, std::string path, Fd directory, Fd lock)
    : parent_(std::move(parent)),
      name_(std::move(name)),
      path_(std::move(path)),
      directory_(std::move(directory)),
      lock_(std::move(lock)) {}

LayerCache::Incoming::~Incoming() {
    if (directory_.valid()) {
        remove_tree(parent_.get(), name_);
    }
}

}  // namespace lading::sys
