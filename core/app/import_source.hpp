// SPDX-License-Identifier: BSD-3-Clause
/// What is imported: opened with the caller's rights, told apart by content, read without them.
#pragma once

#include <string>

#include "core/app/image_feed.hpp"
#include "core/app/layer_stream.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/store_writer.hpp"
#include "lading/result.hpp"

namespace lading::app {

class ImportSource {
  public:
    /// `PATH` or `PATH:REFERENCE`; what exists as a whole is a path.
    static Result<ImportSource> open(const std::string& source);

    /// A directory of `sha256/HEX` for what an OCI layout itself lacks.
    Result<> add_blobs(const std::string& path);

    /// A squashfs file that is open already, as an image store gives it.
    static Result<ImportSource> of_squashfs(sys::Fd file, std::string name);

    /// Writes the image's entries into `feed`.
    Result<SourceFacts> read(ImageFeed& feed, const sys::Staging& staging,
                             const std::string& architecture, bool insist);

  private:
    enum class Kind { directory, layout, flat, squashfs, sif, archive };
    ImportSource(Kind kind, sys::Fd file, std::string path, std::string reference)
        : kind_(kind),
          file_(std::move(file)),
          path_(std::move(path)),
          reference_(std::move(reference)) {}
    static Kind directory_kind(int directory);
    Result<SourceFacts> read_by_child(ImageFeed& feed, const sys::Staging& staging,
                                      const std::string& architecture, bool insist);
    Result<> make_readable(const sys::Staging& staging);
    Result<> answer(const ReceivedPart& question, int socket, const sys::Staging& staging) const;
    /// Is it a directory of which the reader asks for files?
    bool has_members() const { return kind_ == Kind::layout || kind_ == Kind::flat; }
    Result<sys::Fd> open_member(const std::string& name) const;
    Kind kind_;
    sys::Fd file_;
    sys::Fd blobs_;
    std::string path_;
    std::string reference_;
};

}  // namespace lading::app
