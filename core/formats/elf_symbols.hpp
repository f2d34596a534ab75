// SPDX-License-Identifier: BSD-3-Clause
/// The dynamic symbol table of an ELF file.
#pragma once

#include <cstdint>

#include "core/formats/elf_bytes.hpp"
#include "core/formats/elf_versions.hpp"
#include "core/formats/string_table.hpp"

namespace lading::formats {

struct ElfSymbol {
    std::uint32_t name = 0;
    std::uint8_t info = 0;
    std::uint8_t other = 0;
    std::uint16_t section = 0;
    std::uint64_t value = 0;
    std::uint64_t bytes = 0;
};

class ElfSymbols {
  public:
    explicit ElfSymbols(const ElfObject& object);

    /// With the unnamed first.
    std::size_t size() const { return table_.size(); }
    ElfSymbol at(std::size_t i) const;

  private:
    ElfRecords table_;
    bool wide_;
};

/// DT_RELA, DT_REL and DT_JMPREL.
struct ElfRelocations {
    ElfRecords table;
    bool wide = false;

    std::uint64_t symbol(std::size_t i) const { return wide ? info(i) >> 32 : info(i) >> 8; }
    std::uint64_t type(std::size_t i) const { return wide ? info(i) & 0xffffffff : info(i) & 0xff; }

  private:
    std::uint64_t info(std::size_t i) const { return table.word(i, 4, 8); }
};
std::vector<ElfRelocations> elf_relocations(const ElfObject& object);

}  // namespace lading::formats
