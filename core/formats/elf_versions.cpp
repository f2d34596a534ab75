// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_versions.hpp"

#include <elf.h>

namespace lading::formats {
namespace {

// All of these records have the same layout in both classes.
constexpr std::size_t kLeastRecord = sizeof(Elf64_Verdaux);

}  // namespace

std::vector<ElfDefinedVersion> parse_version_definitions(const ElfObject& object,
                                                         StringTable& strings) {
    std::vector<ElfDefinedVersion> list;
    const std::string_view bytes = object.table(DT_VERDEF);
    const ByteReader reader = object.elf().reader(bytes);
    std::uint64_t at = 0;
    // vd_next is unsigned, so the chain goes forward; but records may overlap: as many as could lie
    // side by side are read.
    for (std::size_t left = bytes.size() / sizeof(Elf64_Verdef); left > 0; --left) {
        const auto flags = reader.get<std::uint16_t>(at + offsetof(Elf64_Verdef, vd_flags));
        const auto index = reader.get<std::uint16_t>(at + offsetof(Elf64_Verdef, vd_ndx));
        const auto names = reader.get<std::uint32_t>(at + offsetof(Elf64_Verdef, vd_aux));
        const auto next = reader.get<std::uint32_t>(at + offsetof(Elf64_Verdef, vd_next));
        if (!flags || !index || !names || !next) {
            break;
        }
        // The first name is the version's; the others are those of its predecessors.
        const auto name = reader.get<std::uint32_t>(at + *names);
        if (const auto text = name ? strings.at(*name) : std::nullopt; text && !text->empty()) {
            list.push_back({*text, *index, (*flags & VER_FLG_BASE) != 0});
        }
        if (*next == 0) {
            break;
        }
        at += *next;
    }
    return list;
}

std::vector<ElfNeededVersion> parse_version_needs(const ElfObject& object, StringTable& strings) {
    std::vector<ElfNeededVersion> list;
    const std::string_view bytes = object.table(DT_VERNEED);
    const ByteReader reader = object.elf().reader(bytes);
    std::size_t left = bytes.size() / kLeastRecord;  // of both kinds, as above
    for (std::uint64_t at = 0; left > 0; --left) {
        const auto file = reader.get<std::uint32_t>(at + offsetof(Elf64_Verneed, vn_file));
        const auto first = reader.get<std::uint32_t>(at + offsetof(Elf64_Verneed, vn_aux));
        const auto next = reader.get<std::uint32_t>(at + offsetof(Elf64_Verneed, vn_next));
        if (!file || !first || !next) {
            break;
        }
        const auto soname = strings.at(*file);
        for (std::uint64_t aux = at + *first; soname && left > 1; --left) {
            const auto flags = reader.get<std::uint16_t>(aux + offsetof(Elf64_Vernaux, vna_flags));
            const auto index = reader.get<std::uint16_t>(aux + offsetof(Elf64_Vernaux, vna_other));
            const auto name = reader.get<std::uint32_t>(aux + offsetof(Elf64_Vernaux, vna_name));
            const auto after = reader.get<std::uint32_t>(aux + offsetof(Elf64_Vernaux, vna_next));
            if (!flags || !index || !name || !after) {
                break;
            }
            if (const auto text = strings.at(*name); text && !text->empty()) {
                list.push_back({*soname, *text, *index, (*flags & VER_FLG_WEAK) != 0});
            }
            if (*after == 0) {
                --left;
                break;
            }
            aux += *after;
        }
        if (*next == 0) {
            break;
        }
        at += *next;
    }
    return list;
}

ElfSymbolVersions::ElfSymbolVersions(const ElfObject& object,
                                     const std::vector<ElfDefinedVersion>& definitions,
                                     const std::vector<ElfNeededVersion>& needs)
    : versioned_(object.tag(DT_VERSYM).has_value()),
      indices_(object.elf().records(object.table(DT_VERSYM), sizeof(Elf64_Versym))) {
    add(VER_NDX_LOCAL, {}, {});
    add(VER_NDX_GLOBAL, {}, {});
    for (const ElfNeededVersion& need : needs) {
        add(need.index & kIndex, need.name, need.file);
    }
    for (const ElfDefinedVersion& definition : definitions) {
        add(definition.index & kIndex, definition.base ? std::string_view() : definition.name, {});
    }
}

void ElfSymbolVersions::add(std::uint16_t index, std::string_view name, std::string_view file) {
    if (index >= known_.size()) {
        known_.resize(index + std::size_t{1});  // of 15 bits: a megabyte at most
    }
    known_[index] = {name, file, true};
}

}  // namespace lading::formats
