// SPDX-License-Identifier: BSD-3-Clause
/// The ELF files of one root as a table that is read in place: made once, at import, and mapped by
/// every launch, which touches only the pages that it asks about.
///
/// The bytes may come from a store that users write, so every offset in them is checked; a damaged
/// index answers less, it does not crash.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/formats/elf_file.hpp"
#include "core/formats/ld_cache.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// Changes whenever the layout or the meaning does; an index of another one is made anew.
inline constexpr std::uint32_t kElfIndexVersion = 3;

/// One file's facts that are cheap to have; symbols are asked for one by one.
struct IndexedFile {
    std::uint32_t id = 0;
    ElfFile::Kind kind = ElfFile::Kind::other;
    bool dynamic = false;
    bool no_default_directories = false;
    bool versioned = false;
    unsigned isa_level = 0;
    std::string_view path;  ///< in the root, free of symbolic links
    std::string_view architecture;
    std::string_view interpreter;
    std::string_view soname;
    std::string_view rpath;
    std::string_view runpath;
    std::string_view build_id;
};

class ElfIndex {
  public:
    /// `bytes` must outlive the index.  Code::bad_image for what is no index of this version.
    static Result<ElfIndex> open(std::string_view bytes);

    /// Adds a second index: a program that lies outside of the image.  Its files are numbered
    /// behind these.
    void append(ElfIndex more) { more_ = std::make_shared<const ElfIndex>(std::move(more)); }

    std::uint32_t size() const { return files_.count + (more_ ? more_->size() : 0); }
    IndexedFile file(std::uint32_t id) const;

    /// Follows symbolic links, as far as they lead to ELF files, scripts and their directories.
    /// Empty where they loop.
    std::string resolve(std::string_view path) const;

    /// The file at a path, after symbolic links.
    std::optional<IndexedFile> find(std::string_view path) const;

    /// Every file that has this soname, or this name where it has none.
    std::vector<IndexedFile> with_soname(std::string_view soname) const;

    /// Every file that needs this library by name, in their order.
    std::vector<std::uint32_t> users(std::string_view soname) const;

    /// Every name that with_soname() or users() knows, some twice.
    std::vector<std::string_view> sonames() const;

    /// What `#!` names, for an executable script at a path (after symbolic links); else empty.
    std::string script_interpreter(std::string_view path) const;

    std::vector<std::string_view> needed(std::uint32_t id) const;
    std::vector<ElfVersionNeed> version_needs(std::uint32_t id) const;
    std::vector<std::string_view> version_definitions(std::uint32_t id) const;

    /// Would ld.so let a file that needs this version of the library have it?  Of one with
    /// DT_VERSYM that defines no versions it takes any symbol, with a warning; where even that is
    /// missing, an assertion ends the program (glibc's check_match(), dl-lookup.c).
    bool defines_version(std::uint32_t id, std::string_view version) const;

    std::vector<ElfImport> imports(std::uint32_t id) const;
    std::vector<ElfCopy> copies(std::uint32_t id) const;

    /// The first import that `is` holds for: a library has thousands, of which most are passed over
    /// at a glance.
    template <typename Is>
    std::optional<ElfImport> find_import(std::uint32_t id, const Is& is) const;

    /// Does the file define what an import with this name and version (maybe empty) binds to?
    bool exports(std::uint32_t id, std::string_view name, std::string_view version) const;

    /// The size of the data object that a copy (R_*_COPY) with this name and version is made of;
    /// nothing where the file defines none.
    std::optional<std::uint64_t> object_bytes(std::uint32_t id, std::string_view name,
                                              std::string_view version) const;

    /// The root's ld.so.cache, by soname: of one soname's what the loader prefers comes first.
    std::vector<CacheEntry> loader_cache() const;

    /// What it has for one soname, which only views hold.
    struct Cached {
        std::string_view path;
        std::string_view hwcaps;
    };
    std::vector<Cached> cached(std::string_view soname) const;

  private:
    struct Section {
        std::uint32_t offset = 0;
        std::uint32_t count = 0;
    };
    std::uint32_t number(std::uint64_t offset) const {
        std::uint32_t value = 0;
        if (offset > bytes_.size() || bytes_.size() - offset < sizeof value) {
            return 0;
        }
        std::memcpy(&value, bytes_.data() + offset, sizeof value);
        return std::endian::native == std::endian::big ? __builtin_bswap32(value) : value;
    }
    std::uint64_t hash_at(std::uint64_t offset) const {
        return number(offset) | std::uint64_t{number(offset + 4)} << 32U;
    }
    std::string_view text(std::uint32_t reference) const {
        const std::uint64_t at = std::uint64_t{texts_.offset} + reference + 4;
        const std::uint32_t length = number(at - 4);
        return reference <= texts_.count && at <= bytes_.size() && length <= bytes_.size() - at
                   ? bytes_.substr(static_cast<std::size_t>(at), length)
                   : std::string_view();
    }
    std::string_view text_at(std::uint64_t offset) const { return text(number(offset)); }
    ElfImport import_at(std::uint64_t at) const {
        return {text_at(at), text_at(at + 4), text_at(at + 8), (number(at + 12) & 1U) != 0};
    }
    bool lists_fit() const;
    Section list(std::uint32_t id, unsigned which) const;
    std::vector<std::string_view> texts(const Section& list) const;
    std::uint32_t first_row(const Section& section, unsigned numbers, std::string_view name) const;
    std::optional<std::uint64_t> row_of(const Section& section, unsigned numbers,
                                        std::string_view name) const;
    std::optional<std::uint64_t> hash_row(const Section& hashes, unsigned numbers,
                                          std::uint64_t hash) const;

    const ElfIndex* beyond(std::uint32_t id) const {
        return more_ && id >= files_.count ? more_.get() : nullptr;
    }

    std::string_view bytes_;
    std::shared_ptr<const ElfIndex> more_;
    Section texts_;
    Section files_;
    Section sonames_;
    Section users_;
    Section links_;
    Section scripts_;
    Section cache_;

    /// Of a file record: see elf_index_layout.hpp.
    static constexpr unsigned kImportsList = 3;
};

template <typename Is>
std::optional<ElfImport> ElfIndex::find_import(std::uint32_t id, const Is& is) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->find_import(id - files_.count, is);
    }
    const Section rows = list(id, kImportsList);
    for (std::uint64_t i = 0; i < rows.count; ++i) {
        const ElfImport import = import_at(rows.offset + i * 16);
        if (is(import)) {
            return import;
        }
    }
    return std::nullopt;
}

/// Collects facts in any order; the same facts give the same bytes.
class ElfIndexBuilder {
  public:
    /// `path` is absolute and free of symbolic links; what it says is copied.
    void add_file(std::string path, const ElfFile& file);
    void add_link(std::string path, std::string target);
    void add_script(std::string path, std::string interpreter);
    void set_loader_cache(std::vector<CacheEntry> entries) { cache_ = std::move(entries); }

    std::size_t files() const { return files_.size(); }
    std::string finish() &&;

  private:
    std::uint32_t keep(std::string_view text);
    std::map<std::string, std::string> useful_links() const;
    class Writer;

    std::unordered_map<std::string, std::uint32_t> kept_;  ///< texts, numbered from 1
    /// By path: the numbers of a file record, and its lists.
    struct Pending {
        std::vector<std::uint32_t> fields;
        std::vector<std::uint32_t> lists[7];
    };
    std::map<std::string, Pending> files_;
    std::map<std::string, std::string> links_;
    std::map<std::string, std::string> scripts_;
    std::vector<CacheEntry> cache_;
};

/// Joins a path's target to its directory and drops `.`, `..` and doubled slashes, without looking
/// at links.
std::string join_link(std::string_view path, std::string_view target);

}  // namespace lading::formats
