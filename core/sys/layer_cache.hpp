// SPDX-License-Identifier: BSD-3-Clause
/// Layers as registries gave them, kept so that images share what they have in common.
///
///   DIR/blobs/sha256/HEX    a layer or a configuration, named by its digest
///   DIR/incoming/ID/        where one pull works; what is whole moves from here into blobs
///   DIR/locks/HEX           held by whoever fetches the image whose manifest has that digest
///
/// A directory that all users share (mode 1777, made by the administrator) is nobody's: what is
/// read from it counts only after its digest was checked, and a lock in it bounds no one for long.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::sys {

class LayerCache {
  public:
    /// `shared`: the directory must exist.  Otherwise it is made, for the caller alone.
    static Result<LayerCache> open(const std::string& path, bool shared);

    const std::string& path() const { return path_; }

    /// The directory in which `sha256/HEX` lie.
    std::string blobs() const { return path_ + "/blobs"; }

    /// The size of what is there under that digest.
    std::optional<std::uint64_t> size_of(const std::string& digest) const;

    /// Shows a blob under its digest's hex digits in another directory, as used now: gc goes by the
    /// time.
    Result<> lend(const std::string& digest, int directory) const;

    /// Takes a whole blob over from such a directory, unless there is one already.
    Result<> keep(const std::string& digest, int directory) const;

    /// Removes a blob that is not what its name says; false where it is another user's.
    bool drop(const std::string& digest) const;

    /// The right to fetch what `digest` names.  Waits for another holder as long as that one gives
    /// signs of life; `waiting` is called once before.
    class Lock {
      public:
        Lock(Lock&&) noexcept = default;
        Lock& operator=(Lock&&) = delete;
        ~Lock();
        /// A sign of life, for those who wait.
        void beat() const;

      private:
        friend class LayerCache;
        Lock(int directory, std::string name, Fd file)
            : directory_(directory), name_(std::move(name)), file_(std::move(file)) {}
        int directory_;
        std::string name_;
        Fd file_;  ///< none where the wait was given up
    };
    Result<Lock> lock(const std::string& digest, const std::function<void()>& waiting) const;

    /// The work area of one pull, removed with the object; one that a killed pull left is removed
    /// by the same user's next.
    class Incoming {
      public:
        Incoming(Incoming&&) noexcept = default;
        Incoming& operator=(Incoming&&) = delete;
        ~Incoming();
        int directory() const { return directory_.get(); }
        const std::string& path() const { return path_; }

      private:
        friend class LayerCache;
        Incoming(Fd parent, std::string name, std::string path, Fd directory, Fd lock);
        Fd parent_;
        std::string name_;
        std::string path_;
        Fd directory_;
        Fd lock_;
    };
    Result<Incoming> start() const;

    struct Unused {
        std::size_t blobs = 0;
        std::uint64_t bytes = 0;
    };
    /// Removes blobs that no pull has used for so many seconds, and what killed pulls left; `dry_run`:
    /// only counts the blobs.  In a shared directory everybody removes his own, and root all.
    Result<Unused> remove_unused(std::int64_t seconds, bool dry_run) const;

  private:
    LayerCache(std::string path, Fd directory)
        : path_(std::move(path)), directory_(std::move(directory)) {}
    std::string path_;
    Fd directory_;
};

}  // namespace lading::sys
