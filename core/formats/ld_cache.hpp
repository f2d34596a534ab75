// SPDX-License-Identifier: BSD-3-Clause
/// /etc/ld.so.cache as glibc's loader reads it, in its format `glibc-ld.so.cache1.1` (glibc 2.2 and
/// later; with the extension for glibc-hwcaps of 2.33).  Source: glibc, sysdeps/generic/dl-cache.h
/// and elf/cache.c.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

struct CacheEntry {
    std::string soname;
    std::string path;    ///< absolute
    std::string hwcaps;  ///< directory name below glibc-hwcaps, `x86-64-v3`; empty for the base
    bool operator==(const CacheEntry&) const = default;
};

/// The entries for `architecture` (GOARCH value) of glibc's own ABI, in the file's order: of those
/// without hwcaps the loader takes the first; those with come before them, sorted by name, and it
/// takes the highest that its processor has.  Entries of the hwcaps before 2.33, which 2.37 and
/// later ignore, are left out.  A cache that begins with the old format, and the new one behind it
/// (before 2.33), is read too.  Code::bad_image where it is none or is damaged.
Result<std::vector<CacheEntry>> parse_ld_cache(std::string_view bytes,
                                               std::string_view architecture);

/// A cache of these entries that a loader of any glibc from 2.2 on takes: entries sorted as its
/// binary search needs them (_dl_cache_libcmp, descending), those of one soname in the order given.
/// Entries with hwcaps are left out: who writes a cache has chosen already.
std::string format_ld_cache(const std::vector<CacheEntry>& entries, std::string_view architecture);

/// The bytes of a loader that reads the cache at `path` instead of /etc/ld.so.cache, whose name it
/// holds: both are of one length.  Code::system where it holds no such name.
Result<std::string> redirect_loader(std::string loader, std::string_view path);

}  // namespace lading::formats
