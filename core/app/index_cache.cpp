// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/index_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <vector>

#include "core/sys/file.hpp"
#include "core/sys/privileges.hpp"

namespace lading::app {
namespace {

constexpr std::size_t kMostIndexes = 32;  // a few megabytes each
/// A home that does not answer must not keep the step.
constexpr unsigned kSeconds = 5;

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

/// Removes the indexes that were kept longest ago.
void prune(const std::string& directory) {
    std::vector<std::filesystem::directory_entry> entries;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
        entries.push_back(*at);
    }
    if (entries.size() <= kMostIndexes) {
        return;
    }
    const auto age = [&](const std::filesystem::directory_entry& entry) {
        return entry.last_write_time(error);
    };
    std::ranges::sort(entries, {}, age);
    entries.resize(entries.size() - kMostIndexes);
    for (const std::filesystem::directory_entry& entry : entries) {
        std::filesystem::remove(entry.path(), error);
    }
}

}  // namespace

std::string cached_index_path(const std::string& home, int file) {
    struct stat status {};
    if (!home.starts_with('/') || home == "/" || fstat(file, &status) != 0) {
        return {};
    }
    if (S_ISDIR(status.st_mode)) {
        return fmt::format("{}/.cache/lading/indexes/tree-{:x}-{:x}", home, status.st_dev,
                           status.st_ino);
    }
    if (!S_ISREG(status.st_mode)) {
        return {};
    }
    return fmt::format("{}/.cache/lading/indexes/{:x}-{:x}-{:x}-{:x}.{:x}-{:x}.{:x}", home,
                       status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

sys::Fd open_cached_index(const std::string& path) {
    sys::Fd fd(path.empty() ? -1
                            : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!fd.valid() || fstat(fd.get(), &status) != 0 || status.st_uid != geteuid()) {
        return sys::Fd();
    }
    return fd;
}

Result<> keep_index(const std::string& path, std::string_view bytes) {
    const std::string directory = parent_of(path);
    for (const std::string& part :
         {parent_of(parent_of(directory)), parent_of(directory), directory}) {
        if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
            return sys::fail_errno(Code::system, fmt::format("cannot make {}", part));
        }
    }
    const std::string fresh = fmt::format("{}.{}", path, getpid());
    const sys::Fd fd(
        open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd.valid()) {
        return sys::fail_errno(Code::system, fmt::format("cannot write {}", fresh));
    }
    Result<> written = sys::write_all(fd.get(), bytes, fresh);
    if (written && rename(fresh.c_str(), path.c_str()) != 0) {
        written = sys::fail_errno(Code::system, fmt::format("cannot write {}", path));
    }
    unlink(fresh.c_str());
    prune(directory);
    return written;
}

void keep_index_as(const User& user, const std::string& path, std::string_view bytes) {
    const pid_t child = fork();
    if (child == 0) {
        std::vector<gid_t> groups;
        for (const Group& group : user.groups) {
            groups.push_back(group.gid);
        }
        signal(SIGALRM, SIG_DFL);
        alarm(kSeconds);
        const bool kept = sys::become_user(user.uid, user.gid, groups) && keep_index(path, bytes);
        _exit(kept ? 0 : 1);
    }
    while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace lading::app
