// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/ld_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/formats/byte_reader.hpp"
#include "core/formats/string_table.hpp"

namespace lading::formats {
namespace {

/// The flags of an entry that the loader of an architecture takes, and no others (glibc,
/// sysdeps/**/dl-cache.h: _DL_CACHE_DEFAULT_ID).
struct Abi {
    std::string_view architecture;
    std::uint32_t flags;
    bool big_endian = false;
};
constexpr Abi kAbis[] = {
    {"amd64", 0x0303},       {"arm64", 0x0a03},   {"ppc64le", 0x0503},
    {"ppc64", 0x0503, true}, {"riscv64", 0x1003},  // of doubles in registers, lp64d
    {"s390x", 0x0403, true}, {"386", 0x0003},     {"arm", 0x0903},  // hard float
};

const Abi* find_abi(std::string_view architecture) {
    const auto* const found = std::ranges::find(kAbis, architecture, &Abi::architecture);
    return found == std::end(kAbis) ? nullptr : found;
}

constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::uint64_t kOldHeader = 16;
constexpr std::uint64_t kOldEntry = 12;
constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";
/// struct cache_file_new
constexpr std::uint64_t kCount = 20;
constexpr std::uint64_t kStringBytes = 24;
constexpr std::uint64_t kFlags = 28;
constexpr std::uint64_t kExtension = 32;
constexpr std::uint64_t kHeader = 48;
/// struct file_entry_new
constexpr std::uint64_t kKey = 4;
constexpr std::uint64_t kValue = 8;
constexpr std::uint64_t kHwcap = 16;
constexpr std::uint64_t kEntry = 24;
/// The byte order, in the two low bits of the flags; 0 before 2.33.
constexpr std::uint8_t kOrderMask = 3;
constexpr std::uint8_t kLittleEndian = 2;
constexpr std::uint8_t kBigEndian = 3;

tl::unexpected<Error> damaged(std::string_view why) {
    return fail(Code::bad_image, fmt::format("ld.so.cache is damaged: {}", why));
}

/// What is read by loaders of glibc 2.2 and later: the bytes themselves, or what follows upon the
/// old format's entries.  Empty for what is neither.
std::string_view new_format(std::string_view bytes, bool big_endian) {
    if (bytes.starts_with(kOldMagic)) {
        const ByteReader reader(bytes, big_endian);
        const std::uint64_t count = reader.get<std::uint32_t>(kOldHeader - 4).value_or(0);
        const std::uint64_t end = kOldHeader + count * kOldEntry;
        // On the alignment of its 64-bit fields, which is 8, but 4 on i386.
        for (const std::uint64_t start : {(end + 7) / 8 * 8, (end + 3) / 4 * 4}) {
            if (start < bytes.size() && bytes.substr(start).starts_with(kMagic)) {
                return bytes.substr(start);
            }
        }
        return {};
    }
    return bytes.starts_with(kMagic) ? bytes : std::string_view();
}

/// The names of directories below glibc-hwcaps: an array of string offsets, whose place the
/// extension directory says.
class Hwcaps {
  public:
    explicit Hwcaps(const ByteReader& reader) : reader_(reader) {
        constexpr std::uint32_t kExtensionMagic = 0xeaa42174;
        constexpr std::uint32_t kTag = 1;  // cache_extension_tag_glibc_hwcaps
        constexpr std::uint64_t kDirectory = 8;
        constexpr std::uint64_t kSection = 16;
        const std::uint64_t start = reader.get<std::uint32_t>(kExtension).value_or(0);
        if (start == 0 || reader.get<std::uint32_t>(start) != kExtensionMagic) {
            return;
        }
        const std::uint64_t count = reader.get<std::uint32_t>(start + 4).value_or(0);
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t at = start + kDirectory + i * kSection;
            const auto tag = reader.get<std::uint32_t>(at);
            if (!tag) {
                return;
            }
            if (*tag == kTag) {
                offset_ = reader.get<std::uint32_t>(at + 8).value_or(0);
                count_ = reader.get<std::uint32_t>(at + 12).value_or(0) / 4;
            }
        }
    }

    std::optional<std::string_view> name(std::uint32_t index, StringTable& strings) const {
        if (index >= count_) {
            return std::nullopt;
        }
        const auto text = reader_.get<std::uint32_t>(offset_ + std::uint64_t{index} * 4);
        return text ? strings.at(*text) : std::nullopt;
    }

  private:
    ByteReader reader_;
    std::uint64_t offset_ = 0;
    std::uint64_t count_ = 0;
};

/// Bit 62, beside which are only the level of the x86-64 ISA and, in the low half, an index of
/// names; other bits are of the scheme that glibc 2.37 removed.
bool has_named_hwcaps(std::uint64_t hwcap) {
    constexpr std::uint64_t kExtensionBit = std::uint64_t{1} << 62;
    constexpr std::uint64_t kIsaLevel = std::uint64_t{0x3ff} << 32;
    return (hwcap >> 32 << 32 & ~kIsaLevel) == kExtensionBit;
}

/// glibc's _dl_cache_libcmp: numbers are compared as such, so that libx.so.10 is above libx.so.9,
/// and stand above other characters, which are signed where char is, as in the loader of this
/// machine.  A number beyond 32 bits wraps, as it does there.
int compare_sonames(std::string_view a, std::string_view b) {
    const auto is_digit = [](std::string_view text) {
        return !text.empty() && text.front() >= '0' && text.front() <= '9';
    };
    const auto take_number = [&](std::string_view& text) {
        std::uint32_t number = 0;
        for (; is_digit(text); text.remove_prefix(1)) {
            number = number * 10 + static_cast<std::uint32_t>(text.front() - '0');
        }
        return static_cast<std::int32_t>(number);
    };
    while (!a.empty()) {
        if (is_digit(a) != is_digit(b)) {
            return is_digit(a) ? 1 : -1;
        }
        if (is_digit(a)) {
            const std::int32_t first = take_number(a);
            const std::int32_t second = take_number(b);
            if (first != second) {
                return first < second ? -1 : 1;
            }
            continue;
        }
        if (b.empty() || a.front() != b.front()) {
            return a.front() - (b.empty() ? '\0' : b.front());
        }
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    return b.empty() ? 0 : '\0' - b.front();
}

class Writer {
  public:
    explicit Writer(bool big_endian) : big_endian_(big_endian) {}

    std::string bytes;

    void put(std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t shift = 8 * (big_endian_ ? size - 1 - i : i);
            bytes += static_cast<char>(value >> shift & 0xff);
        }
    }

  private:
    bool big_endian_;
};

}  // namespace

Result<std::vector<CacheEntry>> parse_ld_cache(std::string_view bytes,
                                               std::string_view architecture) {
    const Abi* const abi = find_abi(architecture);
    if (abi == nullptr) {
        return fail(Code::bad_image,
                    fmt::format("ld.so.cache of the unknown architecture '{}'", architecture));
    }
    const std::string_view cache = new_format(bytes, abi->big_endian);
    if (cache.empty()) {
        return fail(Code::bad_image, "not an ld.so.cache of glibc 2.2 or later");
    }
    const ByteReader reader(cache, abi->big_endian);
    const auto count = reader.get<std::uint32_t>(kCount);
    const auto flags = reader.get<std::uint8_t>(kFlags);
    if (!count || !flags || cache.size() < kHeader) {
        return damaged("it ends within its header");
    }
    if (*flags != 0 && (*flags & kOrderMask) != (abi->big_endian ? kBigEndian : kLittleEndian)) {
        return fail(Code::bad_image,
                    fmt::format("ld.so.cache is not in the byte order of {}", architecture));
    }
    if (*count > (cache.size() - kHeader) / kEntry) {
        return damaged("it ends within its entries");
    }
    StringTable strings(cache);
    const Hwcaps hwcaps(reader);
    std::vector<CacheEntry> entries;
    for (std::uint64_t at = kHeader; at < kHeader + *count * kEntry; at += kEntry) {
        const auto hwcap = reader.get<std::uint64_t>(at + kHwcap);
        if (reader.get<std::uint32_t>(at) != abi->flags) {
            continue;
        }
        const bool named = has_named_hwcaps(*hwcap);
        if (*hwcap != 0 && !named) {
            continue;
        }
        const auto soname = strings.at(*reader.get<std::uint32_t>(at + kKey));
        const auto path = strings.at(*reader.get<std::uint32_t>(at + kValue));
        const auto directory = named ? hwcaps.name(static_cast<std::uint32_t>(*hwcap), strings)
                                     : std::optional<std::string_view>("");
        if (!soname || !path || !directory || (named && directory->empty())) {
            return damaged("an entry names a string that is not there");
        }
        entries.push_back({std::string(*soname), std::string(*path), std::string(*directory)});
    }
    return entries;
}

std::string format_ld_cache(const std::vector<CacheEntry>& entries, std::string_view architecture) {
    const Abi* const abi = find_abi(architecture);
    std::vector<const CacheEntry*> sorted;
    for (const CacheEntry& entry : entries) {
        if (entry.hwcaps.empty() && abi != nullptr) {
            sorted.push_back(&entry);
        }
    }
    std::ranges::stable_sort(sorted, [](const CacheEntry* a, const CacheEntry* b) {
        return compare_sonames(a->soname, b->soname) > 0;
    });

    const bool big_endian = abi != nullptr && abi->big_endian;
    Writer table(big_endian);
    std::string strings;
    const std::uint64_t start = kHeader + sorted.size() * kEntry;
    for (const CacheEntry* const entry : sorted) {
        const std::uint64_t soname = start + strings.size();
        strings += entry->soname + '\0';
        const std::uint64_t path = start + strings.size();
        strings += entry->path + '\0';
        table.put(abi->flags, 4);
        table.put(soname, 4);
        table.put(path, 4);
        table.put(0, 4);  // osversion: any kernel
        table.put(0, 8);  // hwcap: any processor
    }
    strings += '\0';  // loaders want more than a header, even of an empty cache

    Writer header(big_endian);
    header.bytes = kMagic;
    header.put(sorted.size(), kStringBytes - kCount);
    header.put(strings.size(), kFlags - kStringBytes);
    header.put(big_endian ? kBigEndian : kLittleEndian, 1);
    header.bytes.resize(kHeader);  // no extensions
    return header.bytes + table.bytes + strings;
}

}  // namespace lading::formats
