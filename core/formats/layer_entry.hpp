// SPDX-License-Identifier: BSD-3-Clause
/// One member of a layer, as a value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lading::formats {

enum class EntryType { file, directory, symlink, hardlink, fifo, device };

struct LayerEntry {
    std::string path;  ///< relative, normalised (see member_path.hpp); empty: the root directory
    EntryType type = EntryType::file;
    std::string link;  ///< a symbolic link's text, or the normalised path that a hard link names
    std::uint32_t mode = 0;  ///< permission bits with setuid, setgid and sticky, no file type
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime = 0;
    std::uint64_t size = 0;                                   ///< of a file's content
    std::vector<std::pair<std::string, std::string>> xattrs;  ///< sorted by name
    bool operator==(const LayerEntry&) const = default;
};

}  // namespace lading::formats
