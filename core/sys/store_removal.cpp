// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/store_removal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <set>

#include "core/sys/remove_tree.hpp"
#include "core/sys/store_files.hpp"
#include "core/sys/store_history.hpp"
#include "core/sys/store_writer.hpp"

namespace lading::sys {
namespace {

Result<> unlink_tag(const ImageStore& store, const std::string& name, const std::string& tag) {
    formats::TagHistory history = TRY(read_history(store, {name, tag}));
    const std::string relative = tag_path(name, tag);
    if (!remove_file(store, relative) && errno != ENOENT) {
        return store_errno(fmt::format("cannot remove {}/{}", store.path(), relative));
    }
    prune_name_directories(store, "tags", name);
    formats::add_event(history, {std::time(nullptr), ""});
    return write_history(store, {name, tag}, history);
}

}  // namespace

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

Result<std::vector<OrphanFile>> find_orphans(const ImageStore& store) {
    std::set<std::string> files;
    std::vector<OrphanFile> orphans;
    for (const std::string& digest : TRY(store.digests())) {
        const auto document = store.document(digest);
        if (!document) {
            return orphans;
        }
        files.insert(document->squashfs_digest);
    }
    for (const std::string kind : {"blobs/sha256", "indexes/sha256"}) {
        const Fd directory = open_beneath(store.directory(), kind, O_RDONLY | O_DIRECTORY);
        if (!directory.valid() && errno == ENOENT) {
            continue;  // a store from before there were indexes
        }
        for (const std::string& name : TRY(directory_names(directory.get(), kind))) {
            struct stat status {};
            if (!files.contains("sha256:" + name) &&
                fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
                orphans.push_back(
                    {fmt::format("{}/{}", kind, name), static_cast<std::uint64_t>(status.st_size)});
            }
        }
    }
    return orphans;
}

Result<> sweep_orphans(const ImageStore& store) {
    for (const OrphanFile& orphan : TRY(find_orphans(store))) {
        remove_file(store, orphan.path);
    }
    return {};
}

Result<> remove_document(const ImageStore& store, const std::string& digest) {
    const std::string relative = document_path(digest);
    if (!remove_file(store, relative) && errno != ENOENT) {
        return store_errno(fmt::format("cannot remove {}/{}", store.path(), relative));
    }
    return {};
}

Result<> remove_tag(const std::string& path, const std::string& name, const std::string& tag) {
    const ImageStore store = TRY(open_existing(path));
    const Fd lock = TRY(lock_store(store));
    const auto digest = store.digest_of(name, tag);
    // A damaged tag is one that should go.
    if (!digest && digest.error().failure != StoreFailure::damaged) {
        return tl::unexpected<Error>(digest.error().error);
    }
    return unlink_tag(store, name, tag);
}

Result<> remove_image(const std::string& path, const std::string& digest) {
    const ImageStore store = TRY(open_existing(path));
    const Fd lock = TRY(lock_store(store));
    const auto document = store.document(digest);
    bool found = document || document.error().failure != StoreFailure::digest_unknown;
    for (const StoredTag& tag : TRY(store.tags())) {
        if (tag.digest == digest) {
            TRY(unlink_tag(store, tag.name, tag.tag));
            found = true;
        }
    }
    if (!found) {
        return fail(Code::not_found, fmt::format("{} has no image {}", path, digest));
    }
    TRY(remove_document(store, digest));
    return sweep_orphans(store);
}

}  // namespace lading::sys
