// SPDX-License-Identifier: BSD-3-Clause
/// Filling an image store: what is published is whole, and what a killed import left is swept.
///
/// Two locks, both by flock and so gone with their holder:
/// - STORE/staging/.lock is held while something is published, removed or swept, never while an
///   image is built.  A publisher puts blob, document and tag under it in one go, so that a sweeper
///   never sees a blob whose tag is still to come.
/// - STORE/staging/ID/lock is held for the life of one import.  It is taken under the store's lock,
///   so that a staging directory whose lock is free, or missing, belongs to nobody any more.
#pragma once

#include <string>
#include <string_view>

#include "core/sys/image_store.hpp"
#include "lading/image.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// In the staging directory of an import, held as long as it lives.
inline constexpr const char* kImportLock = "lock";

/// Makes the store's directories where they are missing.
Result<> create_store(const std::string& path);

/// May the caller change this store, or make it?
bool can_write_store(const std::string& path);

/// The work area of one import, removed with the object.
class Staging {
  public:
    /// Sweeps the store first: what is litter now is not litter that somebody asks about later.
    static Result<Staging> open(const std::string& store);
    Staging(Staging&&) noexcept = default;
    Staging& operator=(Staging&&) = delete;
    ~Staging();

    int directory() const { return directory_.get(); }
    const std::string& path() const { return path_; }  ///< absolute
    const ImageStore& store() const { return store_; }

    /// A new file in the work area.
    Result<Fd> create_file(const std::string& name) const;

    /// An unnamed file of this file system, for bytes that are needed during the import alone.
    Result<Fd> temporary_file() const;

    struct Publication {
        std::string file;  ///< the squashfs file's name in this staging area
        ImageDocument document;
        std::string name;
        std::string tag;
        std::string index;  ///< likewise, of the index of its ELF files; empty: none
    };
    /// Blob, index, document, tag, history, in this order, each durable before the next.  An image
    /// that loses its tag by that stays: a job may wait for it.  Returns the document as it is in
    /// the store.
    Result<ImageDocument> publish(Publication publication);

    /// Puts `image.tag` on the image that has `image.digest`; false where the store has no such
    /// one.
    Result<bool> tag(const ImageName& image);

  private:
    Staging(ImageStore store, std::string id, Fd directory, Fd lock);
    ImageStore store_;
    std::string id_;
    std::string path_;
    Fd directory_;
    Fd lock_;
};

}  // namespace lading::sys
