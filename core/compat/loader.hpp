// SPDX-License-Identifier: BSD-3-Clause
/// Where the loader of an image would find a library: ld.so(8), "DESCRIPTION", over an index.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/elf_index.hpp"

namespace lading::compat {

/// A library that a program gets, or would get but for its absence.
struct Loaded {
    std::string name;                   ///< as it was asked for
    std::optional<std::uint32_t> file;  ///< nothing: there is none
    std::uint32_t asked_by = 0;         ///< file
};

class Loader {
  public:
    /// `library_path` are the directories of LD_LIBRARY_PATH.
    Loader(const formats::ElfIndex& index, std::string architecture, unsigned isa_level,
           std::vector<std::string> library_path);

    /// What a program without paths of its own gets: by ld.so.cache, then the system directories.
    std::optional<std::uint32_t> system(std::string_view soname) const;

    /// Everything that a program loads when it starts, in the loader's order.  What the files in
    /// `cut` need is left out.
    std::vector<Loaded> closure(std::uint32_t program,
                                const std::set<std::uint32_t>& cut = {}) const;

    /// What one file gets for one of its needs, when it is the first to ask.
    std::optional<std::uint32_t> find(std::uint32_t asker, std::string_view soname) const;

    /// The copies of a library that one of these directories, LD_LIBRARY_PATH or the system has.
    std::vector<std::uint32_t> copies(std::string_view soname,
                                      const std::vector<std::string>& directories) const;

    /// The directories of an RPATH or RUNPATH of this file.
    std::vector<std::string> directories(const formats::IndexedFile& file,
                                         std::string_view path) const;

    /// Those that the loader knows by itself.
    std::vector<std::string> default_directories() const {
        return {defaults_.begin(), defaults_.end()};
    }

    /// Where the image keeps its libc, which every loader of it searches; empty without one.
    std::string libc_directory() const;

  private:
    std::optional<std::uint32_t> in_directory(std::string_view directory,
                                              std::string_view soname) const;
    std::optional<std::uint32_t> fitting(std::string_view path) const;
    std::optional<std::uint32_t> cached(std::string_view soname, bool outside_defaults) const;
    bool is_default(std::string_view directory) const;
    struct Asker {
        std::uint32_t file;
        std::size_t parent;  ///< of whose list it came; itself for the program
    };
    std::optional<std::uint32_t> search(std::string_view name, const std::vector<Asker>& askers,
                                        std::size_t asker) const;

    const formats::ElfIndex& index_;
    std::string architecture_;
    std::vector<std::string> hwcaps_;  ///< best first
    std::vector<std::string> library_path_;
    std::vector<std::string_view> defaults_;  ///< directories that the loader knows by itself
};

}  // namespace lading::compat
