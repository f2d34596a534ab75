// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/store_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "core/sys/file.hpp"
#include "core/sys/remove_tree.hpp"
#include "core/sys/sha256.hpp"
#include "core/sys/store_files.hpp"
#include "core/sys/store_history.hpp"
#include "core/sys/store_removal.hpp"

namespace lading::sys {
namespace {

constexpr const char* kDirectories[] = {"blobs",   "blobs/sha256",   "images", "images/sha256",
                                        "indexes", "indexes/sha256", "tags",   "history"};

/// The labels belong to the identity: another tag of the same image must not change its labels
/// because somebody imported the same bytes with other ones.
Result<> refuse_other_labels(const ImageStore& store, const Staging::Publication& publication) {
    const auto old = store.document(publication.document.digest);
    if (!old || old->config == publication.document.config) {
        return {};
    }
    for (const StoredTag& tag : TRY(store.tags())) {
        if (tag.digest == old->digest &&
            (tag.name != publication.name || tag.tag != publication.tag)) {
            return fail(Code::refused,
                        fmt::format("the store has this very image as {}:{}, with other labels",
                                    tag.name, tag.tag),
                        fmt::format("import it with the same labels, or remove the other one: "
                                    "lading rm {}:{}",
                                    tag.name, tag.tag));
        }
    }
    return {};
}

/// The same image, packed otherwise: steps may be running on the file that is there, and on NFS
/// they would lose it.
Result<bool> keep_stored_file(const ImageStore& store, ImageDocument& document) {
    const auto old = store.document(document.digest);
    if (!old || old->squashfs_digest == document.squashfs_digest) {
        return false;
    }
    const auto file = store.blob(old->squashfs_digest);
    struct stat status {};
    if (!file || fstat(file->get(), &status) != 0 || status.st_uid != geteuid() ||
        file_digest(file->get(), blob_path(old->squashfs_digest)) != old->squashfs_digest) {
        return false;
    }
    document.squashfs_digest = old->squashfs_digest;
    document.squashfs_bytes = old->squashfs_bytes;
    return true;
}

Result<> publish_blob(const ImageStore& store, const Fd& staging,
                      const Staging::Publication& publication) {
    const Fd file = open_beneath(staging.get(), publication.file, O_RDONLY);
    struct stat fresh {};
    if (!file.valid() || fchmod(file.get(), kFileMode) != 0 || fsync(file.get()) != 0 ||
        fstat(file.get(), &fresh) != 0) {
        return store_errno("cannot write the image to disk");
    }
    // The same bytes may be there already, and steps may be running on them: on NFS they would lose
    // their file if it were replaced.  A file that is not what its name says is.
    const std::string relative = blob_path(publication.document.squashfs_digest);
    const auto old = store.blob(publication.document.squashfs_digest);
    struct stat there {};
    if (old && fstat(old->get(), &there) == 0 && there.st_size == fresh.st_size &&
        there.st_uid == fresh.st_uid &&
        file_digest(old->get(), relative) == publication.document.squashfs_digest) {
        return {};
    }
    return move_into_place(staging, publication.file, store, relative);
}

/// Anew each time, since a later lading may index more; who maps the old one keeps it.
Result<> publish_index(const ImageStore& store, const Fd& staging,
                       const Staging::Publication& publication) {
    if (publication.index.empty()) {
        return {};
    }
    const Fd file = open_beneath(staging.get(), publication.index, O_RDONLY);
    if (!file.valid() || fchmod(file.get(), kFileMode) != 0 || fsync(file.get()) != 0) {
        return store_errno("cannot write the image's index to disk");
    }
    return move_into_place(staging, publication.index, store,
                           index_path(publication.document.squashfs_digest));
}

/// The tag, then its history: see store_history.hpp.
Result<> point_tag(const ImageStore& store, const Fd& staging, const TagName& tag,
                   const std::string& digest) {
    formats::TagHistory history = TRY(read_history(store, tag));
    TRY(stage_file(staging, "tag", digest + '\n'));
    TRY(make_name_directories(store, "tags", tag.name));
    TRY(move_into_place(staging, "tag", store, tag_path(tag.name, tag.tag)));
    formats::add_event(history, {std::time(nullptr), digest});
    return write_history(store, tag, history);
}

}  // namespace

bool can_write_store(const std::string& path) {
    // One that does not exist can be made where the nearest directory above it can be written to.
    std::string at = path;
    while (faccessat(AT_FDCWD, at.c_str(), F_OK, AT_EACCESS) != 0 && errno == ENOENT &&
           at.find('/', 1) != std::string::npos) {
        at = parent_of(at);
    }
    struct stat status {};
    return stat(at.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
           faccessat(AT_FDCWD, at.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

Result<> create_store(const std::string& path) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (mkdir(part.c_str(), kDirectoryMode) == 0) {
            if (chmod(part.c_str(), kDirectoryMode) != 0) {
                return store_errno(fmt::format("cannot make {} readable", part));
            }
        } else if (errno != EEXIST && (end == std::string::npos || errno != EACCES)) {
            return store_errno(fmt::format("cannot make the image store {}", path));
        }
        if (end == std::string::npos) {
            break;
        }
    }
    const ImageStore store = TRY(open_existing(path));
    for (const char* name : kDirectories) {
        TRY(make_directory(store, name));
    }
    // Whoever can open a lock can hold it for ever.
    return make_directory(store, "staging", kPrivateMode);
}

Staging::Staging(ImageStore store, std::string id, Fd directory, Fd lock)
    : store_(std::move(store)),
      id_(std::move(id)),
      path_(fmt::format("{}/staging/{}", store_.path(), id_)),
      directory_(std::move(directory)),
      lock_(std::move(lock)) {}

Result<Staging> Staging::open(const std::string& path) {
    TRY(create_store(path));
    ImageStore store = TRY(open_existing(path));
    const Fd store_lock = TRY(lock_store(store));
    sweep_staging(store);
    TRY(sweep_orphans(store));
    // Unique while the store's lock is held: a name in use is that of a living import.
    char host[65] = {};
    gethostname(host, sizeof host - 1);
    for (unsigned attempt = 0;; ++attempt) {
        std::string id = fmt::format("{}.{}.{}", host, getpid(), attempt);
        const std::string relative = "staging/" + id;
        if (mkdirat(store.directory(), relative.c_str(), kPrivateMode) != 0) {
            if (errno == EEXIST && attempt < 1000) {
                continue;
            }
            return store_errno(fmt::format("cannot make {}/{}", path, relative));
        }
        Fd directory = open_beneath(store.directory(), relative, O_RDONLY | O_DIRECTORY);
        if (!directory.valid()) {
            return store_errno(fmt::format("cannot open {}/{}", path, relative));
        }
        Fd lock = TRY(lock_file(directory.get(), kImportLock, LOCK_EX | LOCK_NB));
        return Staging(std::move(store), std::move(id), std::move(directory), std::move(lock));
    }
}

Staging::~Staging() {
    if (directory_.valid()) {
        const Fd staging = open_beneath(store_.directory(), "staging", O_RDONLY | O_DIRECTORY);
        remove_tree(staging.get(), id_);
    }
}

Result<Fd> Staging::create_file(const std::string& name) const {
    Fd file = open_beneath(directory_.get(), name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (!file.valid()) {
        return store_errno(fmt::format("cannot make a file in {}", path_));
    }
    return file;
}

Result<Fd> Staging::temporary_file() const {
    Fd file(openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file.valid() && errno == EOPNOTSUPP) {  // NFS has no O_TMPFILE
        file = open_beneath(directory_.get(), "temporary", O_RDWR | O_CREAT | O_EXCL, 0600);
        unlinkat(directory_.get(), "temporary", 0);
    }
    if (!file.valid()) {
        return store_errno(fmt::format("cannot make a temporary file in {}", path_));
    }
    return file;
}

Result<ImageDocument> Staging::publish(Publication publication) {
    const Fd store_lock = TRY(lock_store(store_));
    ImageDocument& document = publication.document;
    TRY(refuse_other_labels(store_, publication));
    if (!TRY(keep_stored_file(store_, document))) {
        TRY(publish_blob(store_, directory_, publication));
    }
    TRY(stage_file(directory_, "document", format_image_document(document)));
    TRY(publish_index(store_, directory_, publication));
    TRY(move_into_place(directory_, "document", store_, document_path(document.digest)));
    TRY(point_tag(store_, directory_, {publication.name, publication.tag}, document.digest));
    TRY(sweep_orphans(store_));
    return document;
}

Result<bool> Staging::tag(const ImageName& image) {
    const Fd store_lock = TRY(lock_store(store_));
    const auto document = store_.document(image.digest);
    if (!document || !store_.blob(document->squashfs_digest)) {
        return false;
    }
    TRY(point_tag(store_, directory_, {image.name, image.tag}, image.digest));
    return true;
}

}  // namespace lading::sys
