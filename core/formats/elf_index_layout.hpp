// SPDX-License-Identifier: BSD-3-Clause
/// The bytes of an ElfIndex, for its reader and its builder.
///
/// All numbers are 32-bit little-endian unless said otherwise:
///   magic, version, 0, then offset and count of each section, then the sections:
///   texts: length and bytes each, referred to by offset; the first is empty
///   files: kFileNumbers each, sorted by path
///   sonames: (text, file) of what each is, users: (text, file) of what each needs, sorted
///   links, scripts: (path, target) texts, sorted by path
///   cache: (soname, path, hwcaps) texts, sorted by soname, those of one in the loader's order
/// A file's lists lie behind it all: texts, or rows of numbers.  Exports are sorted 64-bit hashes;
/// objects, those among the exports that are data, have their sizes behind their hashes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lading::formats::elf_index {

inline constexpr std::string_view kMagic = "LadElfIx";

/// What a section's rows are made of; texts are counted in bytes.
enum SectionName : unsigned { kTexts, kFiles, kSonames, kUsers, kLinks, kScripts, kCache };
inline constexpr unsigned kSections = 7;
inline constexpr std::uint64_t kHeaderBytes = 8 + 4 + 4 + kSections * 8;

/// The numbers of a file record.
enum Field : unsigned {
    kPath,
    kArchitecture,
    kInterpreter,
    kSoname,
    kRpath,
    kRunpath,
    kBuildId,
    kFlags,
    kLists,  ///< from here on offset and count of each list
};
enum List : unsigned {
    kNeeded,
    kVersionNeeds,
    kDefinitions,
    kImports,
    kCopies,
    kExports,
    kObjects,
};
inline constexpr unsigned kListCount = 7;
inline constexpr unsigned kFileNumbers = kLists + 2 * kListCount;
/// Numbers of one row of a list.
inline constexpr unsigned kListRow[kListCount] = {1, 3, 1, 4, 4, 2, 3};
/// Which of them are texts, from the first on.
inline constexpr unsigned kListTexts[kListCount] = {1, 2, 1, 3, 2, 0, 0};
/// Numbers of one row of a section.
inline constexpr unsigned kSectionRow[kSections] = {0, kFileNumbers, 2, 2, 2, 2, 3};

inline constexpr std::uint32_t kWeak = 1;
inline constexpr std::uint32_t kDynamic = 1U << 2;
inline constexpr std::uint32_t kNoDefault = 1U << 3;
inline constexpr unsigned kLevelShift = 4;
inline constexpr std::uint32_t kVersioned = 1U << 8;

/// FNV-1a over name, NUL, version, with its bits mixed at the end.  A collision would have to be
/// made on purpose, by somebody who only deceives the jobs of his own image.
class SymbolHash {
  public:
    explicit SymbolHash(std::string_view name) : hash_(add(0xcbf29ce484222325U, name) * kPrime) {}

    std::uint64_t with(std::string_view version) const {
        std::uint64_t hash = add(hash_, version);
        hash ^= hash >> 32U;
        hash *= 0xd6e8feb86659fd93U;
        return hash ^ hash >> 32U;
    }

  private:
    static constexpr std::uint64_t kPrime = 0x100000001b3U;

    static std::uint64_t add(std::uint64_t hash, std::string_view text) {
        for (const char c : text) {
            hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
        }
        return hash;
    }

    std::uint64_t hash_;  ///< of the name and the NUL
};

inline std::uint64_t symbol_hash(std::string_view name, std::string_view version) {
    return SymbolHash(name).with(version);
}

/// Where a path leads, as the kernel follows it; empty where links loop or the path becomes longer
/// than paths may be.  `target(path)` gives what a link holds, nullopt for what is no link.
template <typename Target>
std::string follow_links(std::string_view path, const Target& target) {
    constexpr int kMaxLinks = 40;            // as the kernel
    constexpr std::size_t kMaxBytes = 4096;  // PATH_MAX
    std::string rest(path);
    std::string done;
    int links = 0;
    for (std::size_t at = 0; at < rest.size();) {
        const std::size_t end = std::min(rest.find('/', at), rest.size());
        const std::string_view part = std::string_view(rest).substr(at, end - at);
        at = end + 1;
        if (part.empty() || part == ".") {
            continue;
        }
        if (part == "..") {
            done.erase(std::min(done.rfind('/'), done.size()));
            continue;
        }
        const std::size_t parent = done.size();
        done.append("/").append(part);
        if (done.size() > kMaxBytes) {
            return {};
        }
        if (const std::optional<std::string_view> leads = target(std::string_view(done))) {
            if (++links > kMaxLinks || leads->size() > kMaxBytes) {
                return {};
            }
            done.resize(leads->starts_with('/') ? 0 : parent);
            rest = std::string(*leads).append("/").append(rest, std::min(at, rest.size()));
            at = 0;
        }
    }
    return done.empty() ? "/" : done;
}

}  // namespace lading::formats::elf_index
