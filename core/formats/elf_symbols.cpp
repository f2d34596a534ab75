// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_symbols.hpp"

#include <elf.h>

#include <algorithm>

namespace lading::formats {
namespace {

/// Nothing in the file says how many symbols there are, but for section headers.  DT_HASH has a
/// chain entry for each.
std::uint64_t symbols_by_hash(const ElfObject& object) {
    const std::string_view bytes = object.table(DT_HASH);
    // The one 64-bit ABI of these with 64-bit entries ("ELF Application Binary Interface, s390x
    // Supplement"); alpha is the other.
    const bool wide_entries = object.elf().wide() && object.elf().machine_number() == EM_S390;
    const ElfRecords entries = object.elf().records(bytes, wide_entries ? 8 : 4);
    const auto entry = [&](std::size_t i) -> std::uint64_t {
        return wide_entries ? entries.get<std::uint64_t>(i) : entries.get<std::uint32_t>(i);
    };
    if (entries.size() < 2) {
        return 0;
    }
    const std::uint64_t buckets = entry(0);
    const std::uint64_t chains = entry(1);
    const std::uint64_t room = entries.size() - 2;
    return buckets <= room && chains <= room - buckets ? chains : 0;
}

struct GnuHash {
    std::uint64_t first = 0;  ///< of the symbols that it can find
    std::uint64_t end = 0;    ///< of all symbols; 0 where it can find none
};

/// DT_GNU_HASH orders its symbols by bucket, and marks the last of each: the last of the highest
/// bucket is the last of all.
GnuHash read_gnu_hash(const ElfObject& object) {
    const ElfRecords words = object.elf().records(object.table(DT_GNU_HASH), 4);
    constexpr std::uint64_t kHeader = 4;
    if (words.size() < kHeader) {
        return {};
    }
    const std::uint64_t buckets = words.get<std::uint32_t>(0);
    const std::uint64_t first = words.get<std::uint32_t>(1);
    const std::uint64_t filter =
        std::uint64_t{words.get<std::uint32_t>(2)} * (object.elf().wide() ? 2 : 1);
    const std::uint64_t start = kHeader + filter;
    if (start > words.size() || buckets > words.size() - start) {
        return {};
    }
    std::uint64_t highest = 0;
    for (std::uint64_t i = start; i < start + buckets; ++i) {
        highest = std::max<std::uint64_t>(highest, words.get<std::uint32_t>(i));
    }
    if (highest == 0 || highest < first) {
        return {first, 0};
    }
    for (std::uint64_t at = start + buckets + (highest - first); at < words.size(); ++at) {
        if ((words.get<std::uint32_t>(at) & 1) != 0) {
            return {first, first + (at - start - buckets) + 1};
        }
    }
    return {first, 0};
}

std::uint64_t symbols_by_relocation(const ElfObject& object) {
    std::uint64_t end = 0;
    for (const ElfRelocations& relocations : elf_relocations(object)) {
        for (std::size_t i = 0; i < relocations.table.size(); ++i) {
            end = std::max(end, relocations.symbol(i) + 1);
        }
    }
    return end;
}

std::uint64_t count_symbols(const ElfObject& object) {
    if (const std::uint64_t count = symbols_by_hash(object); count != 0) {
        return count;
    }
    const GnuHash hash = read_gnu_hash(object);
    if (hash.end != 0) {
        return hash.end;
    }
    // A program that exports nothing has an empty table, and GNU ld then writes 1 for its first
    // symbol: its imports are those that relocations name.
    return std::max(hash.first, symbols_by_relocation(object));
}

}  // namespace

std::vector<ElfRelocations> elf_relocations(const ElfObject& object) {
    const bool wide = object.elf().wide();
    const std::size_t with = wide ? sizeof(Elf64_Rela) : sizeof(Elf32_Rela);
    const std::size_t without = wide ? sizeof(Elf64_Rel) : sizeof(Elf32_Rel);
    const auto table = [&](std::uint64_t address, std::uint64_t size, std::size_t record) {
        return ElfRelocations{object.elf().records(object.table(address, size), record), wide};
    };
    return {table(DT_RELA, DT_RELASZ, with), table(DT_REL, DT_RELSZ, without),
            table(DT_JMPREL, DT_PLTRELSZ, object.tag(DT_PLTREL) == DT_RELA ? with : without)};
}

ElfSymbols::ElfSymbols(const ElfObject& object)
    : table_(object.elf().records(object.table(DT_SYMTAB),
                                  object.elf().wide() ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym))),
      wide_(object.elf().wide()) {
    table_.shorten(count_symbols(object));
}

ElfSymbol ElfSymbols::at(std::size_t i) const {
    if (wide_) {
        return {table_.get<std::uint32_t>(i, offsetof(Elf64_Sym, st_name)),
                table_.get<std::uint8_t>(i, offsetof(Elf64_Sym, st_info)),
                table_.get<std::uint8_t>(i, offsetof(Elf64_Sym, st_other)),
                table_.get<std::uint16_t>(i, offsetof(Elf64_Sym, st_shndx)),
                table_.get<std::uint64_t>(i, offsetof(Elf64_Sym, st_value)),
                table_.get<std::uint64_t>(i, offsetof(Elf64_Sym, st_size))};
    }
    return {table_.get<std::uint32_t>(i, offsetof(Elf32_Sym, st_name)),
            table_.get<std::uint8_t>(i, offsetof(Elf32_Sym, st_info)),
            table_.get<std::uint8_t>(i, offsetof(Elf32_Sym, st_other)),
            table_.get<std::uint16_t>(i, offsetof(Elf32_Sym, st_shndx)),
            table_.get<std::uint32_t>(i, offsetof(Elf32_Sym, st_value)),
            table_.get<std::uint32_t>(i, offsetof(Elf32_Sym, st_size))};
}

}  // namespace lading::formats
