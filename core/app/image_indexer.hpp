// SPDX-License-Identifier: BSD-3-Clause
/// Indexing an image's ELF files while it streams by: a child without privileges reads each one
/// from a file that this process fills.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/formats/fields.hpp"
#include "core/formats/layer_entry.hpp"
#include "core/sys/child.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/store_writer.hpp"
#include "lading/result.hpp"

namespace lading::app {

class ImageIndexer {
  public:
    /// `index` is the new, empty file that the index will be written to.
    static Result<ImageIndexer> start(const sys::Staging& staging, sys::Fd index);

    /// The next entry of the image; a file's content follows.
    Result<> entry(const formats::LayerEntry& entry);
    Result<> content(std::string_view bytes);

    /// The image is whole: waits for the index.
    Result<> finish();

  private:
    ImageIndexer(sys::Child child, sys::Fd socket, sys::Fd file)
        : child_(std::move(child)), socket_(std::move(socket)), file_(std::move(file)) {}
    Result<> decide();
    Result<> file_done();
    Result<> flush_links();

    sys::Child child_;
    sys::Fd socket_;
    sys::Fd file_;  ///< the content of one file at a time
    formats::LayerEntry current_;
    std::string head_;  ///< its first bytes, until they say what it is
    bool decided_ = false;
    bool wanted_ = false;
    std::uint64_t left_ = 0;
    formats::Fields links_;
    std::size_t link_count_ = 0;
};

}  // namespace lading::app
