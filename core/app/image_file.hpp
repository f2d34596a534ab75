// SPDX-License-Identifier: BSD-3-Clause
/// An image that is one file, a squashfs or a SIF: what its headers say.
#pragma once

#include <string>

#include "core/formats/fields.hpp"
#include "core/formats/sif.hpp"
#include "core/sys/fd.hpp"
#include "lading/image.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct ImageFile {
    formats::Extent squashfs;  ///< where in the file the root is
    ImageConfig config;        ///< of a SIF, or of what Shifter and Sarus keep beside the file
};

/// Is the open file a SIF?  No more of it is looked at.
bool is_sif(int file);

/// The file that Shifter and Sarus keep beside `path`, opened with the caller's rights; no
/// descriptor where there is none.
sys::Fd open_side_file(const std::string& path);

/// Reads hostile bytes: for a process that has no more rights than whoever wrote them.  `side` is
/// the side file or -1; `name` is for messages.
Result<ImageFile> read_image_file(int file, int side, const std::string& name);

/// For the reader of images.
void add_image_file(formats::Fields& fields, const ImageFile& image);
ImageFile image_file_of(const formats::Fields& fields);

/// Does a squashfs begin at that place of the file, and end within it?  What root asks before it
/// mounts what a reader found.
Result<> check_squashfs_place(int file, const formats::Extent& place, const std::string& name);

}  // namespace lading::app
