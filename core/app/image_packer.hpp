// SPDX-License-Identifier: BSD-3-Clause
/// tar2sqfs as a child: a tar stream in, a squashfs file out.
///
/// Of squashfs-tools-ng rather than mksquashfs, whose 4.5 and 4.6 give the root directory of a tar
/// stream the time of the import and root's ownership: the same image would never be the same
/// bytes.
#pragma once

#include <string>

#include "core/sys/child.hpp"
#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::app {

class ImagePacker {
  public:
    /// `file` is the new, empty file at the path `destination`.
    static Result<ImagePacker> start(sys::Fd file, const std::string& destination);

    /// Where the tar stream goes; to be closed at its end.
    sys::Fd take_input() { return std::move(input_); }

    /// Waits for the squashfs file; to be called when the stream has ended or broken.
    Result<> finish();

  private:
    ImagePacker(sys::Child child, sys::Fd file, sys::Fd input, sys::Fd messages)
        : child_(std::move(child)),
          file_(std::move(file)),
          input_(std::move(input)),
          messages_(std::move(messages)) {}
    tl::unexpected<Error> failure(int status) const;
    sys::Child child_;
    sys::Fd file_;
    sys::Fd input_;
    sys::Fd messages_;
};

}  // namespace lading::app
