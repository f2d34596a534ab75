// SPDX-License-Identifier: BSD-3-Clause
/// Takes an image's entries and writes the tar stream that becomes its squashfs file; on the way it
/// keeps what tells the image's libc, architecture and configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/app/image_indexer.hpp"
#include "core/formats/layer_entry.hpp"
#include "core/formats/tool_files.hpp"
#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Files that say what the image is made for; hostile bytes, not looked at here.
struct Evidence {
    std::vector<std::pair<std::string, std::string>> libcs;  ///< path and content
    std::vector<std::string> program_starts;  ///< first bytes of files in /bin and /usr/bin
    bool musl = false;
    formats::ToolFiles tool_files;  ///< what other tools keep of an image's configuration
};

class ImageFeed {
  public:
    explicit ImageFeed(sys::Fd tar, ImageIndexer* indexer = nullptr,
                       std::function<void(std::uint64_t bytes)> progress = {})
        : tar_(std::move(tar)), indexer_(indexer), progress_(std::move(progress)) {}

    Result<> entry(const formats::LayerEntry& entry);
    Result<> content(std::string_view bytes);
    /// The archive's end; the stream is closed.
    Result<> finish();

    /// Did whoever reads the stream close it?
    bool broken() const { return broken_; }
    std::uint64_t entries() const { return entries_; }
    const Evidence& evidence() const { return evidence_; }

  private:
    Result<> write(std::string_view bytes);
    Result<> flush();
    sys::Fd tar_;
    ImageIndexer* indexer_;                        ///< sees every entry as well; may be nullptr
    std::function<void(std::uint64_t)> progress_;  ///< hears of content that was written; or none
    std::string waiting_;                          ///< small entries go out together
    bool broken_ = false;
    std::uint64_t left_ = 0;  ///< bytes of the current file's content still to come
    std::uint64_t padding_ = 0;
    std::uint64_t entries_ = 0;
    std::uint64_t bytes_ = 0;
    std::string* capture_ = nullptr;  ///< where the current file's content is kept as well
    std::size_t capture_limit_ = 0;
    Evidence evidence_;
};

}  // namespace lading::app
