// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/store_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "core/sys/file.hpp"
#include "core/sys/remove_tree.hpp"
#include "core/sys/sha256.hpp"

namespace lading::sys {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kPrivateMode = 0700;
constexpr mode_t kFileMode = 0444;
constexpr const char* kStoreLock = "staging/.lock";
constexpr const char* kImportLock = "lock";

constexpr const char* kDirectories[] = {"blobs",   "blobs/sha256",   "images", "images/sha256",
                                        "indexes", "indexes/sha256", "tags"};

/// The hint of errors that come from a file system that has no room.
std::string space_hint(int number) {
    if (number == ENOSPC) {
        return "the store's file system is full: free space, or `lading rm` images that are not "
               "needed";
    }
    if (number == EDQUOT) {
        return "your quota in the store's file system is used up: `lading rm` images that are not "
               "needed, or ask for more";
    }
    if (number == EACCES || number == EPERM || number == EROFS) {
        return "choose a store that you may write to with --store PATH";
    }
    return {};
}

tl::unexpected<Error> store_errno(std::string_view what) {
    const int number = errno;
    std::string hint = space_hint(number);
    errno = number;
    return fail_errno(
        number == EACCES || number == EPERM || number == EROFS ? Code::refused : Code::system, what,
        std::move(hint));
}

/// mkdir with the mode that everybody can read, whatever the umask says.
Result<> make_directory(int parent, const std::string& relative, const std::string& shown,
                        mode_t mode = kDirectoryMode) {
    if (mkdirat(parent, relative.c_str(), mode) != 0) {
        return errno == EEXIST ? Result<>() : store_errno(fmt::format("cannot make {}", shown));
    }
    const Fd made = open_beneath(parent, relative, O_RDONLY | O_DIRECTORY);
    if (!made.valid() || fchmod(made.get(), mode) != 0) {
        return store_errno(fmt::format("cannot make {} readable", shown));
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

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

void sweep_staging(const ImageStore& store) {
    const Fd staging = open_beneath(store.directory(), "staging", O_RDONLY | O_DIRECTORY);
    const auto names = directory_names(staging.get(), "staging");
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
        if (name == ".lock") {
            continue;
        }
        const Fd lock = open_beneath(staging.get(), name + '/' + kImportLock, O_RDWR);
        if (lock.valid() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            continue;  // its import is alive
        }
        remove_tree(staging.get(), name);
    }
}

/// Removes documents that no tag names, and blobs that no document names.  Under the store's lock.
Result<> sweep_images(const ImageStore& store) {
    std::set<std::string> tagged;
    for (const StoredTag& tag : TRY(store.tags())) {
        if (tag.digest.empty()) {
            return {};  // which image it names cannot be read, so that all of them stay
        }
        tagged.insert(tag.digest);
    }
    std::set<std::string> blobs;
    for (const std::string& digest : TRY(store.digests())) {
        if (!tagged.contains(digest)) {
            unlinkat(store.directory(), document_path(digest).c_str(), 0);
            continue;
        }
        const auto document = store.document(digest);
        if (!document) {
            return {};  // which blob it needs is unknown, so that all of them stay
        }
        blobs.insert(document->squashfs_digest);
    }
    for (const char* const kind : {"blobs/sha256", "indexes/sha256"}) {
        const Fd directory = open_beneath(store.directory(), kind, O_RDONLY | O_DIRECTORY);
        if (!directory.valid() && errno == ENOENT) {
            continue;  // a store from before there were indexes
        }
        for (const std::string& name : TRY(directory_names(directory.get(), kind))) {
            if (!blobs.contains("sha256:" + name)) {
                unlinkat(directory.get(), name.c_str(), 0);
            }
        }
    }
    return {};
}

/// Takes away the directories of a name, from the innermost, until one is in use.
void prune_name(const ImageStore& store, std::string name) {
    while (!name.empty()) {
        if (unlinkat(store.directory(), ("tags/" + name).c_str(), AT_REMOVEDIR) != 0) {
            return;
        }
        const std::size_t slash = name.rfind('/');
        name = slash == std::string::npos ? std::string() : name.substr(0, slash);
    }
}

Result<> unlink_tag(const ImageStore& store, const std::string& name, const std::string& tag) {
    const std::string relative = tag_path(name, tag);
    if (unlinkat(store.directory(), relative.c_str(), 0) != 0 && errno != ENOENT) {
        return store_errno(fmt::format("cannot remove {}/{}", store.path(), relative));
    }
    prune_name(store, name);
    return {};
}

Result<ImageStore> open_existing(const std::string& path) {
    auto store = ImageStore::open(path);
    if (!store) {
        return tl::unexpected<Error>(std::move(store).error().error);
    }
    return std::move(*store);
}

/// Writes a small file into the staging area, durable and readable by all.
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
    if (renameat(staging.get(), name.c_str(), store.directory(), relative.c_str()) != 0) {
        return store_errno(fmt::format("cannot publish {}/{}", store.path(), relative));
    }
    return sync_directory(store.directory(), parent_of(relative));
}

Result<> make_name(const ImageStore& store, const std::string& name) {
    std::size_t end = 0;
    while (end != std::string::npos) {
        end = name.find('/', end + 1);
        const std::string relative = "tags/" + name.substr(0, end);
        TRY(make_directory(store.directory(), relative, store.path() + '/' + relative));
        TRY(sync_directory(store.directory(), parent_of(relative)));
    }
    return {};
}

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
        TRY(make_directory(store.directory(), name, path + '/' + name));
    }
    // Whoever can open a lock can hold it for ever.
    return make_directory(store.directory(), "staging", path + "/staging", kPrivateMode);
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
    const Fd store_lock = TRY(lock_file(store.directory(), kStoreLock, LOCK_EX));
    sweep_staging(store);
    TRY(sweep_images(store));
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

Result<> Staging::publish(const Publication& publication) {
    TRY(stage_file(directory_, "document", format_image_document(publication.document)));
    TRY(stage_file(directory_, "tag", publication.document.digest + '\n'));
    const Fd store_lock = TRY(lock_file(store_.directory(), kStoreLock, LOCK_EX));
    TRY(refuse_other_labels(store_, publication));
    TRY(publish_blob(store_, directory_, publication));
    TRY(publish_index(store_, directory_, publication));
    TRY(move_into_place(directory_, "document", store_,
                        document_path(publication.document.digest)));
    TRY(make_name(store_, publication.name));
    TRY(move_into_place(directory_, "tag", store_, tag_path(publication.name, publication.tag)));
    return sweep_images(store_);
}

Result<bool> Staging::tag(const ImageName& image) {
    TRY(stage_file(directory_, "tag", image.digest + '\n'));
    const Fd store_lock = TRY(lock_file(store_.directory(), kStoreLock, LOCK_EX));
    const auto document = store_.document(image.digest);
    if (!document || !store_.blob(document->squashfs_digest)) {
        return false;
    }
    TRY(make_name(store_, image.name));
    TRY(move_into_place(directory_, "tag", store_, tag_path(image.name, image.tag)));
    return true;
}

Result<> remove_tag(const std::string& path, const std::string& name, const std::string& tag) {
    const ImageStore store = TRY(open_existing(path));
    const Fd lock = TRY(lock_file(store.directory(), kStoreLock, LOCK_EX));
    const auto digest = store.digest_of(name, tag);
    // A damaged tag is one that should go.
    if (!digest && digest.error().failure != StoreFailure::damaged) {
        return tl::unexpected<Error>(digest.error().error);
    }
    TRY(unlink_tag(store, name, tag));
    return sweep_images(store);
}

Result<> remove_image(const std::string& path, const std::string& digest) {
    const ImageStore store = TRY(open_existing(path));
    const Fd lock = TRY(lock_file(store.directory(), kStoreLock, LOCK_EX));
    bool found = store.document(digest).has_value();
    for (const StoredTag& tag : TRY(store.tags())) {
        if (tag.digest == digest) {
            TRY(unlink_tag(store, tag.name, tag.tag));
            found = true;
        }
    }
    if (!found) {
        return fail(Code::not_found, fmt::format("{} has no image {}", path, digest));
    }
    return sweep_images(store);
}

}  // namespace lading::sys
