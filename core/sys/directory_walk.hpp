// SPDX-License-Identifier: BSD-3-Clause
/// An unpacked root as a sequence of entries, in an order that depends on the names alone.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/formats/layer_entry.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Receives entries, and after each file's its content in pieces.
struct EntrySink {
    std::function<Result<>(const formats::LayerEntry&)> entry;
    std::function<Result<>(std::string_view)> content;
};

/// Walks the tree below `directory`, parents first, names sorted, never through a symbolic link.
/// Other file systems mounted in it (a /proc that was left there) appear as empty directories;
/// device nodes and sockets do not appear.  `name` is the tree's path, for messages.
Result<> walk_directory(int directory, const std::string& name, const EntrySink& sink);

}  // namespace lading::sys
