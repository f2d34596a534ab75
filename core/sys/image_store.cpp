// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/image_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "core/formats/digest.hpp"
#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

constexpr std::size_t kTagFileBytes = 256;
/// A hostile store of a user may be as deep as he likes; a name has at most 255 characters.
constexpr std::size_t kMaxNameDepth = 128;

Error errno_error(Code code, std::string_view what, std::string hint = {}) {
    return fail_errno(code, what, std::move(hint)).value();
}

bool nobody_else_writes(int fd, uid_t service_account) {
    struct stat status {};
    if (fstat(fd, &status) != 0) {
        return false;
    }
    const bool owned = status.st_uid == 0 || status.st_uid == service_account;
    return owned && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool on_fuse(int fd) {
    struct statfs status {};
    return fstatfs(fd, &status) != 0 || status.f_type == FUSE_SUPER_MAGIC;
}

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { closedir(directory); }
};

/// Visits the tag files below one directory of names.
Result<> collect_names(const ImageStore& store, const std::string& top, const std::string& name,
                       std::size_t depth, std::vector<TagName>& into) {
    const std::string relative = name.empty() ? top : top + '/' + name;
    const Fd directory = open_beneath(store.directory(), relative, O_RDONLY | O_DIRECTORY);
    if (!directory.valid()) {
        // A concurrent `lading rm` takes away the directories that it empties.
        return errno == ENOENT ? Result<>()
                               : fail_errno(Code::system, fmt::format("cannot read {}/{}",
                                                                      store.path(), relative));
    }
    for (const std::string& entry : TRY(directory_names(directory.get(), relative))) {
        if (entry.starts_with(':')) {
            into.push_back({name, entry.substr(1)});
        } else if (depth < kMaxNameDepth) {
            TRY(collect_names(store, top, name.empty() ? entry : name + '/' + entry, depth + 1,
                              into));
        }
    }
    return {};
}

}  // namespace

std::string tag_path(const std::string& name, const std::string& tag) {
    return fmt::format("tags/{}/:{}", name, tag);
}

std::string document_path(const std::string& digest) {
    return fmt::format("images/sha256/{}.json", formats::digest_hex(digest));
}

std::string blob_path(const std::string& digest) {
    return fmt::format("blobs/sha256/{}", formats::digest_hex(digest));
}

std::string index_path(const std::string& squashfs_digest) {
    return fmt::format("indexes/sha256/{}", formats::digest_hex(squashfs_digest));
}

Fd open_beneath(int directory, const std::string& relative, int flags, unsigned mode) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    return Fd(
        static_cast<int>(syscall(SYS_openat2, directory, relative.c_str(), &how, sizeof how)));
}

Result<std::vector<std::string>> directory_names(int directory, const std::string& name) {
    // fdopendir() takes the descriptor over, and its position would be shared with a duplicate.
    Fd own = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, CloseDirectory> stream(own.valid() ? fdopendir(own.get()) : nullptr);
    if (!stream) {
        return fail_errno(Code::system, fmt::format("cannot read the directory {}", name));
    }
    own.release();
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* const entry = readdir(stream.get());
        if (entry == nullptr) {
            if (errno != 0) {
                return fail_errno(Code::system, fmt::format("cannot read the directory {}", name));
            }
            std::ranges::sort(names);
            return names;
        }
        const std::string_view found = entry->d_name;
        if (found != "." && found != "..") {
            names.emplace_back(found);
        }
    }
}

StoreResult<ImageStore> ImageStore::open(const std::string& path) {
    Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) {
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        return store_fail(
            missing ? StoreFailure::store_missing : StoreFailure::unreadable,
            errno_error(
                missing ? Code::not_found : Code::refused,
                fmt::format("cannot open the image store {}", path),
                missing ? "it may not be mounted on this node, or nothing was imported yet" : ""));
    }
    return ImageStore(path, std::move(directory));
}

StoreResult<Fd> ImageStore::open_file(const std::string& relative, StoreFailure missing,
                                      const std::string& what) const {
    // O_NONBLOCK: a fifo in its place must not stop the caller.
    Fd file = open_beneath(directory_.get(), relative, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file.valid()) {
        struct stat status {};
        if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
            return store_fail(
                StoreFailure::damaged,
                {Code::bad_image, fmt::format("{}/{} is not a regular file", path_, relative), {}});
        }
        return file;
    }
    switch (errno) {
        case ENOENT:
        case ENOTDIR:
            return store_fail(missing,
                              {Code::not_found, fmt::format("{} has no {}", path_, what), {}});
        case ELOOP:
        case EXDEV:
            return store_fail(
                StoreFailure::damaged,
                {Code::bad_image,
                 fmt::format("there is a symbolic link on the way to {}/{}", path_, relative),
                 "lading makes none: a store is filled by `lading import` alone"});
        default:
            return store_fail(
                StoreFailure::unreadable,
                errno_error(errno == EACCES || errno == EPERM ? Code::refused : Code::system,
                            fmt::format("cannot open {}/{}", path_, relative)));
    }
}

StoreResult<std::string> ImageStore::digest_of(const std::string& name,
                                               const std::string& tag) const {
    auto file = open_file(tag_path(name, tag), StoreFailure::tag_unknown,
                          fmt::format("image {}:{}", name, tag));
    if (!file) {
        struct stat status {};
        const std::string directory = "tags/" + name;
        if (file.error().failure == StoreFailure::tag_unknown &&
            fstatat(directory_.get(), directory.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            file.error().failure = StoreFailure::name_unknown;
        }
        return tl::unexpected<StoreError>(std::move(file).error());
    }
    const std::string relative = tag_path(name, tag);
    auto text = read_all(file->get(), kTagFileBytes, fmt::format("{}/{}", path_, relative));
    if (!text) {
        return store_fail(StoreFailure::unreadable, std::move(text).error());
    }
    if (text->ends_with('\n')) {
        text->pop_back();
    }
    if (!is_digest(*text)) {
        return store_fail(StoreFailure::damaged,
                          {Code::bad_image, fmt::format("{}/{} holds no digest", path_, relative),
                           "import the image again"});
    }
    return *text;
}

StoreResult<ImageDocument> ImageStore::document(const std::string& digest) const {
    const std::string relative = document_path(digest);
    const auto file =
        open_file(relative, StoreFailure::digest_unknown, fmt::format("image {}", digest));
    if (!file) {
        return tl::unexpected<StoreError>(file.error());
    }
    auto text = read_all(file->get(), kDocumentBytes, path_ + '/' + relative);
    if (!text) {
        return store_fail(StoreFailure::unreadable, std::move(text).error());
    }
    auto document = parse_image_document(*text);
    if (!document) {
        Error error = std::move(document).error();
        error.what = fmt::format("{}/{}: {}", path_, relative, error.what);
        return store_fail(StoreFailure::damaged, std::move(error));
    }
    if (document->digest != digest) {
        return store_fail(
            StoreFailure::damaged,
            {Code::bad_image, fmt::format("{}/{} describes another image", path_, relative),
             "import the image again"});
    }
    return std::move(*document);
}

StoreResult<Fd> ImageStore::blob(const std::string& squashfs_digest) const {
    return open_file(blob_path(squashfs_digest), StoreFailure::digest_unknown,
                     fmt::format("file of the image ({})", squashfs_digest));
}

StoreResult<Fd> ImageStore::index(const std::string& squashfs_digest) const {
    return open_file(index_path(squashfs_digest), StoreFailure::digest_unknown,
                     fmt::format("index of the image ({})", squashfs_digest));
}

StoreResult<StoredImage> ImageStore::image(const ImageName& name) const {
    // An import that gives the tag to another image may remove the old one between two of these
    // opens.  Then the tag says something else now; when it does not, something is really missing.
    std::string before;
    for (;;) {
        auto digest = name.digest.empty() ? digest_of(name.name, name.tag)
                                          : StoreResult<std::string>(name.digest);
        if (!digest) {
            return tl::unexpected<StoreError>(std::move(digest).error());
        }
        auto read = document(*digest);
        auto file = read ? blob(read->squashfs_digest)
                         : StoreResult<Fd>(tl::unexpected<StoreError>(read.error()));
        if (file) {
            return check_size(std::move(*read), std::move(*file));
        }
        const bool missing = file.error().failure == StoreFailure::digest_unknown;
        if (!missing || (name.digest == *digest && !read)) {
            return tl::unexpected<StoreError>(std::move(file).error());
        }
        if (*digest == before) {
            return store_fail(StoreFailure::damaged,
                              {Code::bad_image,
                               file.error().error.what + ", though " + path_ + " lists the image",
                               "import the image again"});
        }
        before = *digest;
    }
}

StoreResult<StoredImage> ImageStore::check_size(ImageDocument document, Fd blob) const {
    struct stat status {};
    if (fstat(blob.get(), &status) != 0 ||
        static_cast<std::uint64_t>(status.st_size) != document.squashfs_bytes) {
        return store_fail(StoreFailure::damaged,
                          {Code::bad_image,
                           fmt::format("{}/{} has {} bytes where {} were imported", path_,
                                       blob_path(document.squashfs_digest), status.st_size,
                                       document.squashfs_bytes),
                           "import the image again"});
    }
    Fd own_index = index(document.squashfs_digest).value_or(Fd());
    return StoredImage{std::move(document), std::move(blob), std::move(own_index)};
}

bool ImageStore::only_trusted_write(const Fd& blob, uid_t service_account) const {
    const Fd blobs = open_beneath(directory_.get(), "blobs", O_PATH | O_DIRECTORY);
    const Fd inner = open_beneath(blobs.get(), "sha256", O_PATH | O_DIRECTORY);
    if (!blobs.valid() || !inner.valid()) {
        return false;
    }
    return std::ranges::all_of(
        std::initializer_list<int>{directory_.get(), blobs.get(), inner.get(), blob.get()},
        [service_account](int fd) {
            return nobody_else_writes(fd, service_account) && !on_fuse(fd);
        });
}

Result<std::vector<TagName>> ImageStore::tag_names(const std::string& top) const {
    std::vector<TagName> names;
    TRY(collect_names(*this, top, "", 0, names));
    std::ranges::sort(names);
    return names;
}

Result<std::vector<StoredTag>> ImageStore::tags() const {
    std::vector<StoredTag> tags;
    for (const TagName& found : TRY(tag_names("tags"))) {
        tags.push_back(
            {found.name, found.tag, digest_of(found.name, found.tag).value_or(std::string())});
    }
    return tags;
}

Result<std::vector<std::string>> ImageStore::digests() const {
    constexpr std::string_view kSuffix = ".json";
    const Fd directory = open_beneath(directory_.get(), "images/sha256", O_RDONLY | O_DIRECTORY);
    std::vector<std::string> digests;
    if (!directory.valid()) {
        return errno == ENOENT
                   ? Result<std::vector<std::string>>(digests)
                   : fail_errno(Code::system, fmt::format("cannot read {}/images", path_));
    }
    for (const std::string& name :
         TRY(directory_names(directory.get(), path_ + "/images/sha256"))) {
        if (name.ends_with(kSuffix)) {
            digests.push_back(std::string(formats::kDigestPrefix) +
                              name.substr(0, name.size() - kSuffix.size()));
        }
    }
    std::erase_if(digests, [](const std::string& digest) { return !is_digest(digest); });
    return digests;
}

Result<StoredImage> find_stored_image(const std::string& path, const ImageName& name) {
    const auto store = ImageStore::open(path);
    if (!store) {
        return tl::unexpected<Error>(store.error().error);
    }
    auto image = store->image(name);
    if (!image) {
        return tl::unexpected<Error>(std::move(image).error().error);
    }
    return std::move(*image);
}

Result<std::vector<std::string>> list_image_names(const std::string& path) {
    const auto store = ImageStore::open(path);
    if (!store) {
        return tl::unexpected<Error>(store.error().error);
    }
    std::vector<std::string> names;
    for (const StoredTag& tag : TRY(store->tags())) {
        names.push_back(fmt::format("{}:{}", tag.name, tag.tag));
    }
    return names;
}

}  // namespace lading::sys
