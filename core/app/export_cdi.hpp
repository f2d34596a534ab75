// SPDX-License-Identifier: BSD-3-Clause
/// The use case of `lading cdi`: what `lading check` decides, for runtimes that read CDI.
#pragma once

#include <string>

#include "core/app/check_image.hpp"

namespace lading::app {

struct CdiOrder {
    CheckOrder check;
    std::string name;       ///< of the device and its file; empty: after the image
    std::string directory;  ///< where the file goes; empty: nowhere
};

struct ExportedCdi {
    Injection injection;
    std::string device;  ///< as `podman run --device` takes it: `lading/image=atse-1.2.4`
    std::string text;    ///< the specification
    std::string file;    ///< that it was written to; empty without a directory
};

/// Code::mismatch where a step in the image would be refused.  Where the host's glibc comes along,
/// its loader and the loader's cache are written to DIRECTORY/NAME.files; without a directory this
/// is Code::usage.  What was there is replaced, each file in one step, but never a file that lading
/// did not write: Code::refused.
Result<ExportedCdi> export_cdi(const CdiOrder& order);

}  // namespace lading::app
