// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/directory_walk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "core/formats/member_path.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"

namespace lading::sys {
namespace {

using formats::EntryType;
using formats::LayerEntry;

constexpr std::size_t kBufferBytes = 256U << 10;
constexpr std::size_t kXattrBytes = 64U
                                    << 10;  // the kernel's own bound for one value (XATTR_SIZE_MAX)

class Walk {
  public:
    Walk(const std::string& name, const EntrySink& sink, dev_t device)
        : name_(name), sink_(sink), device_(device), buffer_(kBufferBytes, '\0') {}

    Result<> directory(int fd, const std::string& path, const struct stat& status,
                       std::size_t depth) {
        LayerEntry entry = describe(path, status, EntryType::directory);
        TRY(read_xattrs(fd, entry));
        TRY(sink_.entry(entry));
        if (status.st_dev != device_) {
            return {};
        }
        if (depth > formats::kMaxPathDepth) {
            return fail(Code::bad_image, fmt::format("{} is more than {} directories deep",
                                                     shown(path), formats::kMaxPathDepth));
        }
        for (const std::string& child : TRY(directory_names(fd, shown(path)))) {
            TRY(member(fd, child, path.empty() ? child : path + '/' + child, depth));
        }
        return {};
    }

  private:
    std::string shown(const std::string& path) const {
        return name_ + '/' + formats::shown_name(path);
    }

    tl::unexpected<Error> unreadable(const std::string& path) const {
        const bool forbidden = errno == EACCES || errno == EPERM;
        return fail_errno(forbidden ? Code::refused : Code::system,
                          fmt::format("cannot read {}", shown(path)),
                          forbidden ? "import as the user who may read all of it" : "");
    }

    static LayerEntry describe(const std::string& path, const struct stat& status, EntryType type) {
        LayerEntry entry;
        entry.path = path;
        entry.type = type;
        entry.mode = status.st_mode & 07777;
        entry.uid = status.st_uid;
        entry.gid = status.st_gid;
        entry.mtime = status.st_mtim.tv_sec;
        return entry;
    }

    Result<> read_xattrs(int fd, LayerEntry& entry) const {
        std::string names(kXattrBytes, '\0');
        const ssize_t length = flistxattr(fd, names.data(), names.size());
        if (length < 0) {
            return errno == ENOTSUP ? Result<>() : unreadable(entry.path);
        }
        names.resize(static_cast<std::size_t>(length));
        for (std::size_t at = 0; at < names.size();) {
            const std::string name = names.c_str() + at;
            at += name.size() + 1;
            if (!formats::is_kept_xattr(name)) {
                continue;
            }
            std::string value(kXattrBytes, '\0');
            const ssize_t size = fgetxattr(fd, name.c_str(), value.data(), value.size());
            if (size < 0) {
                return unreadable(entry.path);
            }
            value.resize(static_cast<std::size_t>(size));
            entry.xattrs.emplace_back(name, value);
        }
        std::ranges::sort(entry.xattrs);
        return {};
    }

    Result<> member(int parent, const std::string& child, const std::string& path,
                    std::size_t depth) {
        struct stat status {};
        if (fstatat(parent, child.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
            return unreadable(path);
        }
        switch (status.st_mode & S_IFMT) {
            case S_IFREG:
                return file(parent, child, path);
            case S_IFLNK:
                return symlink(parent, child, path, status);
            case S_IFIFO:
                return sink_.entry(describe(path, status, EntryType::fifo));
            case S_IFDIR:
                break;
            default:
                return {};
        }
        const Fd fd(openat(parent, child.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd.valid() || fstat(fd.get(), &status) != 0) {
            return unreadable(path);
        }
        return directory(fd.get(), path, status, depth + 1);
    }

    Result<> symlink(int parent, const std::string& child, const std::string& path,
                     const struct stat& status) {
        LayerEntry entry = describe(path, status, EntryType::symlink);
        entry.link.resize(formats::kMaxPathBytes + 1);
        const ssize_t length =
            readlinkat(parent, child.c_str(), entry.link.data(), entry.link.size());
        if (length < 0) {
            return unreadable(path);
        }
        entry.link.resize(static_cast<std::size_t>(length));
        return sink_.entry(entry);
    }

    Result<> file(int parent, const std::string& child, const std::string& path) {
        // The tree may belong to somebody who changes it meanwhile: what counts is the descriptor.
        const Fd fd(openat(parent, child.c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        struct stat status {};
        if (!fd.valid() || fstat(fd.get(), &status) != 0) {
            return unreadable(path);
        }
        if (!S_ISREG(status.st_mode)) {
            return changed(path);
        }
        LayerEntry entry = describe(path, status, EntryType::file);
        if (status.st_nlink > 1) {
            const auto [first, added] = links_.try_emplace({status.st_dev, status.st_ino}, path);
            if (!added) {
                entry.type = EntryType::hardlink;
                entry.link = first->second;
                return sink_.entry(entry);
            }
        }
        entry.size = static_cast<std::uint64_t>(status.st_size);
        TRY(read_xattrs(fd.get(), entry));
        TRY(sink_.entry(entry));
        return content(fd.get(), entry);
    }

    Result<> content(int fd, const LayerEntry& entry) {
        std::uint64_t left = entry.size;
        while (left > 0) {
            const ssize_t got =
                read(fd, buffer_.data(),
                     static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size())));
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0) {
                return unreadable(entry.path);
            }
            if (got == 0) {
                return changed(entry.path);
            }
            TRY(sink_.content({buffer_.data(), static_cast<std::size_t>(got)}));
            left -= static_cast<std::uint64_t>(got);
        }
        return {};
    }

    tl::unexpected<Error> changed(const std::string& path) const {
        return fail(Code::bad_image, fmt::format("{} changed while it was read", shown(path)),
                    "import again when nothing writes there");
    }

    const std::string& name_;
    const EntrySink& sink_;
    dev_t device_;
    std::string buffer_;
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
};

}  // namespace

Result<> walk_directory(int directory, const std::string& name, const EntrySink& sink) {
    struct stat status {};
    if (fstat(directory, &status) != 0) {
        return fail_errno(Code::system, fmt::format("cannot read {}", name));
    }
    return Walk(name, sink, status.st_dev).directory(directory, "", status, 0);
}

}  // namespace lading::sys
