// SPDX-License-Identifier: BSD-3-Clause
/// Members of a tar archive, compressed or not, read by libarchive.  Hostile bytes: to be used in
/// an unprivileged child alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/formats/layer_entry.hpp"
#include "core/sys/sha256.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Where the archive's bytes are.
struct ArchiveInput {
    int fd = -1;
    bool stream = false;  ///< a pipe: read in order; else a file, read from `offset` on
    std::uint64_t offset = 0;
    std::uint64_t size = UINT64_MAX;  ///< bytes of the archive; to the file's end by default
    bool hash = false;  ///< compute the digest of these bytes; costs reading all of them
    std::string name;   ///< for messages
};

class ArchiveReader {
  public:
    static Result<ArchiveReader> open(ArchiveInput input);
    ArchiveReader(ArchiveReader&&) noexcept;
    ArchiveReader& operator=(ArchiveReader&&) noexcept;
    ~ArchiveReader();

    /// The next member, its paths as they stand in the archive (not normalised); nothing at the
    /// end. Members that an image cannot hold (sockets) are left out.
    Result<std::optional<formats::LayerEntry>> next();

    using Sink = std::function<Result<>(std::string_view)>;
    /// The current member's content, exactly `size` bytes, holes as NUL.
    Result<> content(std::uint64_t size, const Sink& sink);

    /// Reads the bytes behind the archive's end and returns the digest of all of them.
    Result<std::string> finish();

  private:
    struct State;
    explicit ArchiveReader(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// The raw bytes of a compressed or plain file, decompressed, for archives that hold archives.
Result<> decompress(const ArchiveInput& input, const ArchiveReader::Sink& sink);

}  // namespace lading::sys
