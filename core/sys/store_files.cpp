// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/store_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

constexpr const char* kStoreLock = "staging/.lock";
constexpr const char* kFreshFile = "fresh";

/// The hint of errors that come from a file system that has no room.
std::string space_hint(int number) {
    if (number == ENOSPC) {
        return "the store's file system is full: free space, or remove what is not needed: `lading "
               "rm`, then `lading gc`";
    }
    if (number == EDQUOT) {
        return "your quota in the store's file system is used up: remove what is not needed "
               "(`lading "
               "rm`, then `lading gc`), or ask for more";
    }
    if (number == EACCES || number == EPERM || number == EROFS) {
        return "choose a store that you may write to with --store PATH";
    }
    return {};
}

Result<> sync_directory(int directory, const std::string& relative) {
    const Fd opened = open_beneath(directory, relative, O_RDONLY | O_DIRECTORY);
    if (!opened.valid() || fsync(opened.get()) != 0) {
        return store_errno(fmt::format("cannot write the directory {} to disk", relative));
    }
    return {};
}

/// Where a path of the store lies, reached through no symbolic link: root may clean a store that a
/// user writes, and must not be led elsewhere by him.
struct Place {
    Fd directory;
    std::string name;
};

Place place_of(const ImageStore& store, const std::string& relative) {
    const std::size_t slash = relative.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : relative.substr(0, slash);
    return {open_beneath(store.directory(), directory, O_RDONLY | O_DIRECTORY),
            slash == std::string::npos ? relative : relative.substr(slash + 1)};
}

}  // namespace

tl::unexpected<Error> store_errno(std::string_view what) {
    const int number = errno;
    std::string hint = space_hint(number);
    errno = number;
    return fail_errno(
        number == EACCES || number == EPERM || number == EROFS ? Code::refused : Code::system, what,
        std::move(hint));
}

Result<> make_directory(const ImageStore& store, const std::string& relative, mode_t mode) {
    const std::string shown = store.path() + '/' + relative;
    const Place place = place_of(store, relative);
    if (!place.directory.valid() || mkdirat(place.directory.get(), place.name.c_str(), mode) != 0) {
        return errno == EEXIST ? Result<>() : store_errno(fmt::format("cannot make {}", shown));
    }
    const Fd made = open_beneath(place.directory.get(), place.name, O_RDONLY | O_DIRECTORY);
    if (!made.valid() || fchmod(made.get(), mode) != 0) {
        return store_errno(fmt::format("cannot make {} readable", shown));
    }
    return {};
}

bool remove_file(const ImageStore& store, const std::string& relative) {
    const Place place = place_of(store, relative);
    return place.directory.valid() && unlinkat(place.directory.get(), place.name.c_str(), 0) == 0;
}

Result<Fd> lock_file(int directory, const std::string& relative, int operation) {
    Fd lock = open_beneath(directory, relative, O_RDWR | O_CREAT, 0600);
    if (!lock.valid()) {
        return store_errno(fmt::format("cannot make the lock {}", relative));
    }
    while (flock(lock.get(), operation) != 0) {
        if (errno != EINTR) {
            return store_errno(fmt::format("cannot lock {}", relative));
        }
    }
    return lock;
}

Result<Fd> lock_store(const ImageStore& store) {
    return lock_file(store.directory(), kStoreLock, LOCK_EX);
}

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

Result<ImageStore> open_existing(const std::string& path) {
    auto store = ImageStore::open(path);
    if (!store) {
        return tl::unexpected<Error>(std::move(store).error().error);
    }
    return std::move(*store);
}

Result<> stage_file(const Fd& directory, const std::string& name, std::string_view bytes) {
    const Fd file = open_beneath(directory.get(), name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file.valid()) {
        return store_errno(fmt::format("cannot make {} in the store", name));
    }
    if (auto written = write_all(file.get(), bytes, name); !written) {
        return store_errno(fmt::format("cannot write {} into the store", name));
    }
    if (fchmod(file.get(), kFileMode) != 0 || fsync(file.get()) != 0) {
        return store_errno(fmt::format("cannot write {} into the store", name));
    }
    return {};
}

Result<> move_into_place(const Fd& staging, const std::string& name, const ImageStore& store,
                         const std::string& relative) {
    const Place place = place_of(store, relative);
    if (!place.directory.valid() ||
        renameat(staging.get(), name.c_str(), place.directory.get(), place.name.c_str()) != 0) {
        return store_errno(fmt::format("cannot publish {}/{}", store.path(), relative));
    }
    if (fsync(place.directory.get()) != 0) {
        return store_errno(fmt::format("cannot write the directory of {} to disk", relative));
    }
    return {};
}

Result<> write_durably(const ImageStore& store, const std::string& relative,
                       std::string_view bytes) {
    const Fd staging = open_beneath(store.directory(), "staging", O_RDONLY | O_DIRECTORY);
    unlinkat(staging.get(), kFreshFile, 0);  // of somebody who was killed
    TRY(stage_file(staging, kFreshFile, bytes));
    return move_into_place(staging, kFreshFile, store, relative);
}

Result<> make_name_directories(const ImageStore& store, const std::string& top,
                               const std::string& name) {
    std::size_t end = 0;
    while (end != std::string::npos) {
        end = name.find('/', end + 1);
        const std::string relative = top + '/' + name.substr(0, end);
        TRY(make_directory(store, relative));
        TRY(sync_directory(store.directory(), parent_of(relative)));
    }
    return {};
}

void prune_name_directories(const ImageStore& store, const std::string& top, std::string name) {
    while (!name.empty()) {
        const Place place = place_of(store, top + '/' + name);
        if (!place.directory.valid() ||
            unlinkat(place.directory.get(), place.name.c_str(), AT_REMOVEDIR) != 0) {
            return;
        }
        const std::size_t slash = name.rfind('/');
        name = slash == std::string::npos ? std::string() : name.substr(0, slash);
    }
}

}  // namespace lading::sys
