// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/tar_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace lading::formats {
namespace {

/// Fields of a ustar header (POSIX.1-2017, pax, "ustar Interchange Format").
struct Field {
    std::size_t offset;
    std::size_t size;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kTime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr std::size_t kType = 156;
constexpr Field kLink{157, 100};
constexpr Field kMagic{257, 8};
constexpr Field kPrefix{345, 155};

constexpr std::string_view kUstar{"ustar\00000", 8};

void put_text(std::string& block, Field field, std::string_view text) {
    block.replace(field.offset, std::min(field.size, text.size()),
                  text.substr(0, std::min(field.size, text.size())));
}

/// The largest number that an octal field with its closing NUL holds.
constexpr std::uint64_t octal_limit(Field field) {
    return 1ULL << (3 * (field.size - 1));
}

void put_number(std::string& block, Field field, std::uint64_t number) {
    number = number < octal_limit(field) ? number : 0;  // a pax record says it then
    put_text(block, field, fmt::format("{:0{}o}", number, field.size - 1));
}

unsigned checksum(std::string_view block) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < kTarBlock; ++i) {
        const bool own = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
        sum += own ? static_cast<unsigned>(' ') : static_cast<unsigned char>(block[i]);
    }
    return sum;
}

/// `LENGTH NAME=VALUE\n`, where the length counts itself.
std::string pax_record(std::string_view name, std::string_view value) {
    const std::size_t rest = name.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (fmt::formatted_size("{}", length) + rest != length) {
        length = fmt::formatted_size("{}", length) + rest;
    }
    return fmt::format("{} {}={}\n", length, name, value);
}

std::string pax_records(const LayerEntry& entry, std::string_view name) {
    std::string records;
    if (name.size() > kName.size) {
        records += pax_record("path", name);
    }
    if (entry.link.size() > kLink.size) {
        records += pax_record("linkpath", entry.link);
    }
    if (entry.size >= octal_limit(kSize)) {
        records += pax_record("size", std::to_string(entry.size));
    }
    if (entry.uid >= octal_limit(kUid)) {
        records += pax_record("uid", std::to_string(entry.uid));
    }
    if (entry.gid >= octal_limit(kGid)) {
        records += pax_record("gid", std::to_string(entry.gid));
    }
    for (const auto& [key, value] : entry.xattrs) {
        records += pax_record("SCHILY.xattr." + key, value);
    }
    return records;
}

char type_flag(EntryType type) {
    switch (type) {
        case EntryType::directory:
            return '5';
        case EntryType::symlink:
            return '2';
        case EntryType::hardlink:
            return '1';
        case EntryType::fifo:
            return '6';
        case EntryType::file:
        case EntryType::device:
            break;
    }
    return '0';
}

std::string header_block(const LayerEntry& entry, std::string_view name, char type,
                         std::uint64_t size) {
    std::string block(kTarBlock, '\0');
    put_text(block, kName, name);
    put_number(block, kMode, entry.mode & 07777);
    put_number(block, kUid, entry.uid);
    put_number(block, kGid, entry.gid);
    put_number(block, kSize, size);
    // squashfs keeps 32 unsigned bits of it.
    put_number(block, kTime,
               static_cast<std::uint64_t>(std::clamp<std::int64_t>(entry.mtime, 0, UINT32_MAX)));
    block[kType] = type;
    put_text(block, kLink, entry.link);
    put_text(block, kMagic, kUstar);
    put_text(block, kChecksum, fmt::format("{:06o}", checksum(block)));
    block[kChecksum.offset + 7] = ' ';
    return block;
}

std::string text_field(std::string_view block, Field field) {
    const std::string_view text = block.substr(field.offset, field.size);
    return std::string(text.substr(0, text.find('\0')));
}

/// Octal digits, or GNU's binary form with the top bit set.
std::optional<std::uint64_t> number_field(std::string_view block, Field field) {
    std::string_view text = block.substr(field.offset, field.size);
    if ((static_cast<unsigned char>(text.front()) & 0x80) != 0) {
        std::uint64_t value = static_cast<unsigned char>(text.front()) & 0x7f;
        for (const char c : text.substr(1)) {
            if (value >> 55 != 0) {
                return std::nullopt;
            }
            value = value << 8 | static_cast<unsigned char>(c);
        }
        return value;
    }
    const std::size_t first = text.find_first_not_of(' ');
    text.remove_prefix(std::min(first, text.size()));
    text = text.substr(0, text.find_first_of(std::string_view(" \0", 2)));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (!text.empty() && (error != std::errc{} || end != text.data() + text.size())) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

std::string format_tar_entry(const LayerEntry& entry) {
    const std::string name = entry.path.empty() ? "./" : entry.path;
    const std::string records = pax_records(entry, name);
    std::string blocks;
    if (!records.empty()) {
        LayerEntry extension;
        extension.mode = 0644;
        blocks += header_block(extension, "pax", 'x', records.size());
        blocks += records;
        blocks.append(tar_padding(records.size()), '\0');
    }
    const std::uint64_t size = entry.type == EntryType::file ? entry.size : 0;
    return blocks + header_block(entry, name, type_flag(entry.type), size);
}

bool is_tar_end(std::string_view block) {
    return block.size() == kTarBlock && block.find_first_not_of('\0') == std::string_view::npos;
}

Result<TarHeader> parse_tar_header(std::string_view block) {
    if (block.size() != kTarBlock) {
        return fail(Code::bad_image, "the archive is cut short within a header");
    }
    const auto sum = number_field(block, kChecksum);
    const auto size = number_field(block, kSize);
    if (!sum || *sum != checksum(block) || !size) {
        return fail(Code::bad_image, "the archive has a damaged tar header");
    }
    TarHeader header;
    header.name = text_field(block, kName);
    header.link = text_field(block, kLink);
    header.type = block[kType] == '\0' ? '0' : block[kType];
    header.size = *size;
    const std::string prefix = text_field(block, kPrefix);
    if (block.substr(kMagic.offset, 6) == kUstar.substr(0, 6) && !prefix.empty()) {
        header.name = prefix + '/' + header.name;
    }
    return header;
}

Result<> apply_pax_records(std::string_view records, TarHeader& header) {
    const auto bad = [] { return fail(Code::bad_image, "the archive has a damaged pax header"); };
    while (!records.empty()) {
        std::size_t length = 0;
        const auto [end, error] =
            std::from_chars(records.data(), records.data() + records.size(), length);
        const auto digits = static_cast<std::size_t>(end - records.data());
        if (error != std::errc{} || length > records.size() || length < digits + 3 ||
            records[digits] != ' ' || records[length - 1] != '\n') {
            return bad();
        }
        const std::string_view record = records.substr(digits + 1, length - digits - 2);
        const std::size_t equals = record.find('=');
        if (equals == std::string_view::npos) {
            return bad();
        }
        const std::string_view name = record.substr(0, equals);
        const std::string_view value = record.substr(equals + 1);
        if (name == "path") {
            header.name = value;
        } else if (name == "linkpath") {
            header.link = value;
        } else if (name == "size") {
            const auto [stop, wrong] =
                std::from_chars(value.data(), value.data() + value.size(), header.size);
            if (wrong != std::errc{} || stop != value.data() + value.size()) {
                return bad();
            }
        }
        records.remove_prefix(length);
    }
    return {};
}

}  // namespace lading::formats
