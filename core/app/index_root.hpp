// SPDX-License-Identifier: BSD-3-Clause
/// Indexing the ELF files of a root: reads hostile bytes, so only for a process with nothing to
/// lose.
#pragma once

#include <string>
#include <string_view>

#include "core/formats/elf_index.hpp"
#include "core/formats/layer_entry.hpp"
#include "lading/result.hpp"

namespace lading::app {

class TreeStamps;

/// The index of everything below `root` (a directory descriptor).  Never follows a link, never
/// leaves the root's file system; what cannot be read is left out, as the loader would.
/// `stamps`, if there are any, get all that the index depends on.
Result<std::string> index_root(int root, TreeStamps* stamps = nullptr);

/// One regular file of an image, for whoever has the bytes already: adds an ELF file or a script,
/// or nothing.  `path` is absolute.
void index_file(formats::ElfIndexBuilder& builder, const std::string& path, bool executable,
                std::string_view bytes);

/// Where the loader's cache lies in a root.
inline constexpr std::string_view kLoaderCachePath = "/etc/ld.so.cache";

/// Reads the root's ld.so.cache into the index; the entries for whatever architectures it has.
void index_loader_cache(formats::ElfIndexBuilder& builder, std::string_view bytes);

}  // namespace lading::app
