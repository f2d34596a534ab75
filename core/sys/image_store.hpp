// SPDX-License-Identifier: BSD-3-Clause
/// Reading an image store, as whoever wants to run an image of it.
///
///   STORE/tags/NAME/:TAG                the digest that the tag points to, and a newline
///   STORE/history/NAME/:TAG             which digests it pointed to, and since when
///   STORE/images/sha256/HEX.json        the image's document, named by its identity
///   STORE/blobs/sha256/HEX              its squashfs file, named by its own digest
///   STORE/indexes/sha256/HEX            what is known of the ELF files in that squashfs file
///   STORE/layers/                       what pulls keep of registries (layer_cache.hpp)
///   STORE/staging/                      where imports work (store_writer.hpp)
///
/// NAME may have slashes; `:` can stand in no name, so that a tag is never taken for a name.
/// Everything is opened beneath the store's directory, symbolic links refused.
#pragma once

#include <sys/types.h>

#include <compare>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "core/sys/fd.hpp"
#include "lading/image.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::sys {

inline constexpr std::size_t kDocumentBytes = 8U << 20;

/// Why a store did not give what was asked of it.
enum class StoreFailure {
    store_missing,   ///< no such directory: not mounted on this node, or never filled
    name_unknown,    ///< no image of that name
    tag_unknown,     ///< images of that name, but none with that tag
    digest_unknown,  ///< no image with that digest
    damaged,         ///< a tag, document or file that lading did not write like this
    unreadable,      ///< permission, or the file system's error
};

struct StoreError {
    StoreFailure failure = StoreFailure::damaged;
    Error error;
};

template <typename T = void>
using StoreResult = tl::expected<T, StoreError>;

inline tl::unexpected<StoreError> store_fail(StoreFailure failure, Error error) {
    return tl::unexpected<StoreError>(StoreError{failure, std::move(error)});
}

struct StoredTag {
    std::string name;
    std::string tag;
    std::string digest;
};

struct TagName {
    std::string name;
    std::string tag;
    auto operator<=>(const TagName&) const = default;
};

/// What a launch needs: four opens.
struct StoredImage {
    ImageDocument document;
    Fd blob;   ///< read-only
    Fd index;  ///< likewise; none where an older lading imported the image
};

class ImageStore {
  public:
    /// `path` is the site's, so that symbolic links on the way to the store are followed.
    static StoreResult<ImageStore> open(const std::string& path);

    const std::string& path() const { return path_; }
    int directory() const { return directory_.get(); }

    /// What a tag points to.  `name` and `tag` are valid ones (parse_image_reference).
    StoreResult<std::string> digest_of(const std::string& name, const std::string& tag) const;

    /// The document of that identity.
    StoreResult<ImageDocument> document(const std::string& digest) const;

    /// The squashfs file of that digest, which is the document's squashfs_digest.
    StoreResult<Fd> blob(const std::string& squashfs_digest) const;

    /// The index of that squashfs file's ELF files; none in a store that an older lading filled.
    StoreResult<Fd> index(const std::string& squashfs_digest) const;

    /// The image of that name, by its digest where the name has one, else by its tag.
    StoreResult<StoredImage> image(const ImageName& name) const;

    /// Could nobody but root, or the service account, have written this blob?  True where the
    /// store's directory, those on the way to the file, and the file itself (the descriptor, so
    /// that it is the same one that is mounted) belong to one of them and nobody else may write
    /// there. FUSE is never believed: whoever serves it says what he likes about owners.
    bool only_trusted_write(const Fd& blob, uid_t service_account = 0) const;

    /// Every tag, sorted by name and tag.  A tag file that is damaged has an empty digest.
    Result<std::vector<StoredTag>> tags() const;

    /// The names of the tag files below `tags` or `history`, sorted.
    Result<std::vector<TagName>> tag_names(const std::string& top) const;

    /// Identities of every document that is there, sorted.
    Result<std::vector<std::string>> digests() const;

  private:
    ImageStore(std::string path, Fd directory)
        : path_(std::move(path)), directory_(std::move(directory)) {}
    StoreResult<Fd> open_file(const std::string& relative, StoreFailure missing,
                              const std::string& what) const;
    StoreResult<StoredImage> check_size(ImageDocument document, Fd blob) const;
    std::string path_;
    Fd directory_;
};

/// The image from the store at `path`.  Code::not_found where the store or the image is not there.
Result<StoredImage> find_stored_image(const std::string& path, const ImageName& name);

/// `NAME:TAG` of every image in the store at `path`, for suggestions.
Result<std::vector<std::string>> list_image_names(const std::string& path);

/// Opens beneath `directory` without following any symbolic link; -1 and errno.
Fd open_beneath(int directory, const std::string& relative, int flags, unsigned mode = 0);

/// Relative paths within a store.
std::string tag_path(const std::string& name, const std::string& tag);
std::string document_path(const std::string& digest);
std::string blob_path(const std::string& digest);
std::string index_path(const std::string& squashfs_digest);

/// Names in a directory, sorted, without `.` and `..`.
Result<std::vector<std::string>> directory_names(int directory, const std::string& name);

}  // namespace lading::sys
