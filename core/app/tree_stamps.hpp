// SPDX-License-Identifier: BSD-3-Clause
/// What a directory was when it was indexed.
///
/// An image that is a directory may change at any time, anywhere below, and its root shows nothing
/// of it.  What an index depends on does: a directory's times tell of names that came, went or were
/// exchanged; a file's of its bytes and its mode.  Looking at all of them again takes a tenth of
/// the time of reading them.  Only a file that is neither empty nor a program, library or script
/// and is made one in its place, without another name, goes unseen.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "core/formats/fields.hpp"

namespace lading::app {

class TreeStamps {
  public:
    /// `path` is relative to the root; `ours` is false for what lies on another file system, whose
    /// content is not indexed.
    void add(const std::string& path, const struct stat& status, bool ours = true);

    /// Is the last change so long ago that one more would show?  Times are as coarse as the file
    /// system, or its server, makes them.
    bool settled(std::time_t now) const;

    /// `index` with these stamps before it.
    std::string keep(std::string_view index) const;

  private:
    formats::Fields fields_;
    std::int64_t newest_ = 0;
};

/// The index in what keep() made, if everything below `root` has its stamp still; else empty.
std::string_view index_of_unchanged(std::string_view kept, int root);

}  // namespace lading::app
