// SPDX-License-Identifier: BSD-3-Clause
/// The versions that an ELF file's symbols have and ask for.  Source: Linux Standard Base 5.0,
/// "Symbol Versioning"; where it is silent, what glibc does (elf/dl-version.c), which follows the
/// chains to their ends and does not read the counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/formats/elf_bytes.hpp"
#include "core/formats/string_table.hpp"

namespace lading::formats {

struct ElfDefinedVersion {
    std::string_view name;
    std::uint16_t index = 0;  ///< by which symbols name it
    bool base = false;        ///< the file's own name, and no version
};
std::vector<ElfDefinedVersion> parse_version_definitions(const ElfObject& object,
                                                         StringTable& strings);

struct ElfNeededVersion {
    std::string_view file;
    std::string_view name;
    std::uint16_t index = 0;
    bool weak = false;
};
std::vector<ElfNeededVersion> parse_version_needs(const ElfObject& object, StringTable& strings);

/// The version of every symbol.
class ElfSymbolVersions {
  public:
    ElfSymbolVersions(const ElfObject& object, const std::vector<ElfDefinedVersion>& definitions,
                      const std::vector<ElfNeededVersion>& needs);

    struct Version {
        std::string_view name;  ///< empty: unversioned
        std::string_view file;  ///< that must define it; empty where this file does
        bool hidden = false;    ///< only for those who ask for this version
    };
    /// Nothing where the file contradicts itself.
    std::optional<Version> of(std::size_t symbol) const {
        if (!versioned_) {
            return Version{};
        }
        if (symbol >= indices_.size()) {
            return std::nullopt;
        }
        const auto index = indices_.get<std::uint16_t>(symbol);
        const std::size_t at = index & kIndex;
        if (at >= known_.size() || !known_[at].known) {
            return std::nullopt;
        }
        return Version{known_[at].name, known_[at].file, (index & kHidden) != 0};
    }

  private:
    static constexpr std::uint16_t kHidden = 0x8000;  // VERSYM_HIDDEN, which elf.h does not have
    static constexpr std::uint16_t kIndex = 0x7fff;

    struct Known {
        std::string_view name;
        std::string_view file;
        bool known = false;
    };
    void add(std::uint16_t index, std::string_view name, std::string_view file);

    bool versioned_ = false;
    ElfRecords indices_;
    std::vector<Known> known_;
};

}  // namespace lading::formats
