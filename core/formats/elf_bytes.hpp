// SPDX-License-Identifier: BSD-3-Clause
/// An ELF file's tables, of either class and byte order, found as the loader finds them: by program
/// headers and the dynamic section.  Every offset comes from the file and is checked where it is
/// used.  Source: System V ABI, generic, chapters 4 and 5.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/formats/byte_reader.hpp"

namespace lading::formats {

struct ElfMachine {
    std::uint16_t number;
    bool big_endian;
    bool wide;
    std::string_view architecture;  ///< GOARCH value
    std::uint32_t copy_relocation;  ///< its R_*_COPY
};

/// Records of one size that lie within the bytes, checked once for all of them: a table of 60,000
/// symbols is read field by field without looking at its bounds again.
class ElfRecords {
  public:
    ElfRecords() = default;
    ElfRecords(std::string_view bytes, std::size_t record, bool wide, bool big_endian)
        : bytes_(bytes),
          record_(record),
          size_(bytes.size() / record),
          wide_(wide),
          foreign_(big_endian != (std::endian::native == std::endian::big)) {}

    std::size_t size() const { return size_; }

    void shorten(std::uint64_t size) {
        if (size < size_) {
            size_ = static_cast<std::size_t>(size);
        }
    }

    /// The field at `offset` of record `i`; i < size(), and the field lies within the record.
    template <typename T>
    T get(std::size_t i, std::size_t offset = 0) const {
        static_assert(std::is_unsigned_v<T>);
        T value;
        std::memcpy(&value, bytes_.data() + i * record_ + offset, sizeof value);
        if constexpr (sizeof value == 2) {
            return foreign_ ? __builtin_bswap16(value) : value;
        } else if constexpr (sizeof value == 4) {
            return foreign_ ? __builtin_bswap32(value) : value;
        } else if constexpr (sizeof value == 8) {
            return foreign_ ? __builtin_bswap64(value) : value;
        } else {
            return value;
        }
    }

    /// An address-sized field: at `narrow` in a 32-bit file, at `wide` in a 64-bit one.
    std::uint64_t word(std::size_t i, std::size_t narrow, std::size_t wide) const {
        return wide_ ? get<std::uint64_t>(i, wide) : get<std::uint32_t>(i, narrow);
    }

  private:
    std::string_view bytes_;
    std::size_t record_ = 1;
    std::size_t size_ = 0;
    bool wide_ = false;
    bool foreign_ = false;
};

/// What the first bytes say.
class Elf {
  public:
    static std::optional<Elf> open(std::string_view bytes);

    bool wide() const { return wide_; }
    bool big_endian() const { return big_endian_; }
    std::string_view bytes() const { return bytes_; }
    ByteReader reader(std::string_view part) const { return ByteReader(part, big_endian_); }
    ElfRecords records(std::string_view part, std::size_t record) const {
        return {part, record, wide_, big_endian_};
    }

    std::uint16_t type() const;  ///< ET_*; ET_NONE where the bytes end before it
    std::uint16_t machine_number() const;
    const ElfMachine* machine() const;  ///< nullptr for one without a GOARCH value

    struct Segment {
        std::uint32_t type = 0;
        std::uint64_t offset = 0;
        std::uint64_t address = 0;
        std::uint64_t file_bytes = 0;
        std::uint64_t alignment = 0;
        std::uint64_t memory_bytes = 0;
        std::uint32_t flags = 0;  ///< PF_*
    };
    /// Those whose headers lie within the bytes.
    std::vector<Segment> segments() const;

    /// A segment's bytes, as far as they are there.
    std::string_view contents(const Segment& segment) const;

  private:
    Elf(std::string_view bytes, bool wide, bool big_endian)
        : bytes_(bytes), wide_(wide), big_endian_(big_endian) {}

    std::string_view bytes_;
    bool wide_;
    bool big_endian_;
};

/// An ELF file with what leads to all of its tables.
class ElfObject {
  public:
    explicit ElfObject(const Elf& elf);

    const Elf& elf() const { return elf_; }
    const std::vector<Elf::Segment>& segments() const { return segments_; }
    const Elf::Segment* segment(std::uint32_t type) const;  ///< the first of it, or nullptr

    struct Tag {
        std::uint64_t name = 0;
        std::uint64_t value = 0;
    };
    const std::vector<Tag>& dynamic() const { return dynamic_; }
    /// The last of that name, which is the one that loaders take.
    std::optional<std::uint64_t> tag(std::uint64_t name) const;

    /// The file's bytes from what the loader would put at `address` to the end of its segment.
    std::string_view loaded(std::uint64_t address) const;
    /// The same for the address in a tag; empty without the tag.
    std::string_view table(std::uint64_t address_tag) const;
    /// The same, `size_tag` bytes long; empty where they are not all there.
    std::string_view table(std::uint64_t address_tag, std::uint64_t size_tag) const;

  private:
    Elf elf_;
    std::vector<Elf::Segment> segments_;
    std::vector<Tag> dynamic_;
};

}  // namespace lading::formats
