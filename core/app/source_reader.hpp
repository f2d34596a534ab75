// SPDX-License-Identifier: BSD-3-Clause
/// Reads what is imported: the half of an import that touches hostile bytes, run in a child that
/// has nothing to lose (sys::start_unprivileged).
#pragma once

#include <string>

#include "lading/result.hpp"

namespace lading::app {

/// What the child is to read.  Its only descriptors are these three.
struct SourceJob {
    enum class Kind {
        archive,   ///< a tar: a root's own, or an OCI or docker archive
        squashfs,  ///< or a SIF, which holds one: read by sqfs2tar
        layout,    ///< an OCI layout; its files are asked for by name
        flat,      ///< what `skopeo copy … dir:` writes; likewise
    };
    Kind kind = Kind::archive;
    int channel = -1;
    int file = -1;             ///< -1 for a layout or a flat one
    int side = -1;             ///< of a squashfs: what Shifter and Sarus keep beside it; or -1
    std::string name;          ///< for messages
    std::string reference;     ///< which of several images; empty: the only one
    std::string architecture;  ///< GOARCH value
    bool insist = false;       ///< the user chose that architecture: another one is an error
    std::string sqfs2tar;      ///< absolute path
};

/// Sends the flattened image, or why there is none.  The value is the child's exit status.
int read_source(const SourceJob& job);

}  // namespace lading::app
