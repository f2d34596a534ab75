// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/index_root.hpp"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>

#include "core/app/import_image.hpp"
#include "core/app/tree_stamps.hpp"
#include "core/formats/script.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mapped_file.hpp"

namespace lading::app {
namespace {

/// As much as the kernel reads of a script (BINPRM_BUF_SIZE).
constexpr std::size_t kHeadBytes = 256;
/// Deeper than any image; the walk holds a descriptor a level.
constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxFiles = 500'000;

struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
};

class Walk {
  public:
    Walk(formats::ElfIndexBuilder& builder, TreeStamps* stamps)
        : builder_(builder), stamps_(stamps) {}

    Result<> directory(sys::Fd fd, const std::string& path, int depth) {
        struct stat status {};
        if (depth > kMaxDepth || fstat(fd.get(), &status) != 0) {
            return {};
        }
        device_ = depth == 0 ? status.st_dev : device_;
        stamp(path, status);
        if (status.st_dev != device_) {
            return {};
        }
        const std::unique_ptr<DIR, CloseDirectory> stream(fdopendir(fd.get()));
        if (stream == nullptr) {
            return {};
        }
        static_cast<void>(fd.release());  // the stream's now
        while (const dirent* const entry = readdir(stream.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") {
                TRY(visit(dirfd(stream.get()), *entry, fmt::format("{}/{}", path, name), depth));
            }
        }
        return {};
    }

  private:
    Result<> visit(int parent, const dirent& entry, const std::string& path, int depth) {
        switch (type_of(parent, entry)) {
            case DT_DIR: {
                sys::Fd fd(
                    openat(parent, entry.d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
                if (!fd.valid()) {
                    stamp_unread(parent, entry.d_name, path);
                    return {};
                }
                return directory(std::move(fd), path, depth + 1);
            }
            case DT_LNK: {
                std::array<char, PATH_MAX> target{};
                const ssize_t length =
                    readlinkat(parent, entry.d_name, target.data(), target.size());
                if (length > 0) {
                    builder_.add_link(path, {target.data(), static_cast<std::size_t>(length)});
                }
                return {};
            }
            case DT_REG:
                return file(parent, entry.d_name, path);
            default:
                return {};
        }
    }

    Result<> file(int parent, const char* name, const std::string& path) {
        const sys::Fd fd(
            openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
        std::array<char, kHeadBytes> bytes;
        // Before it is read: a change in between has to show.
        struct stat status {};
        if (!fd.valid() || fstat(fd.get(), &status) != 0) {
            stamp_unread(parent, name, path);
            return {};
        }
        const ssize_t length = pread(fd.get(), bytes.data(), bytes.size(), 0);
        const std::string_view head(bytes.data(),
                                    length > 0 ? static_cast<std::size_t>(length) : 0);
        const bool script = head.starts_with("#!");
        const bool wanted = script || head.starts_with(ELFMAG);
        if (wanted || head.empty() || path == kLoaderCachePath) {
            stamp(path, status);
        }
        if (!wanted) {
            return {};
        }
        if (++files_ > kMaxFiles) {
            return fail(
                Code::bad_image,
                fmt::format("the image has more than {} programs and libraries", kMaxFiles));
        }
        const bool executable = (status.st_mode & 0111) != 0;
        if (script) {
            index_file(builder_, path, executable, head);
        } else if (const auto mapped = sys::MappedFile::open(fd.get(), path)) {
            index_file(builder_, path, executable, mapped->bytes());
        }
        return {};
    }

    /// Not every file system says it with the name.
    static unsigned char type_of(int parent, const dirent& entry) {
        struct stat status {};
        return entry.d_type == DT_UNKNOWN &&
                       fstatat(parent, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
                   ? static_cast<unsigned char>(IFTODT(status.st_mode))
                   : entry.d_type;
    }

    void stamp(const std::string& path, const struct stat& status) {
        if (stamps_ != nullptr) {
            stamps_->add(path.empty() ? path : path.substr(1), status, status.st_dev == device_);
        }
    }

    void stamp_unread(int parent, const char* name, const std::string& path) {
        struct stat status {};
        if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0) {
            stamp(path, status);
        }
    }

    formats::ElfIndexBuilder& builder_;
    TreeStamps* stamps_;
    dev_t device_ = 0;
    std::size_t files_ = 0;
};

}  // namespace

void index_file(formats::ElfIndexBuilder& builder, const std::string& path, bool executable,
                std::string_view bytes) {
    if (bytes.starts_with(ELFMAG)) {
        if (const auto elf = formats::parse_elf_file(bytes);
            elf && elf->kind != formats::ElfFile::Kind::other) {
            builder.add_file(path, *elf);
        }
    } else if (executable && bytes.starts_with("#!")) {
        if (std::string interpreter = formats::script_program(bytes.substr(0, kHeadBytes));
            interpreter.starts_with('/')) {
            builder.add_script(path, std::move(interpreter));
        }
    }
}

void index_loader_cache(formats::ElfIndexBuilder& builder, std::string_view bytes) {
    if (auto entries = formats::parse_ld_cache(bytes, host_architecture())) {
        builder.set_loader_cache(std::move(*entries));
    }
}

Result<std::string> index_root(int root, TreeStamps* stamps) {
    formats::ElfIndexBuilder builder;
    Walk walk(builder, stamps);
    TRY(walk.directory(sys::Fd(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), "", 0));
    const sys::Fd cache =
        sys::open_in_root(root, std::string(kLoaderCachePath), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (cache.valid()) {
        if (const auto mapped = sys::MappedFile::open(cache.get(), kLoaderCachePath)) {
            index_loader_cache(builder, mapped->bytes());
        }
    }
    return std::move(builder).finish();
}

}  // namespace lading::app
