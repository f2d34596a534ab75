// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_file.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/formats/elf_bytes.hpp"
#include "core/formats/elf_symbols.hpp"
#include "core/formats/elf_versions.hpp"
#include "core/formats/string_table.hpp"

namespace lading::formats {
namespace {

std::uint64_t aligned(std::uint64_t offset, std::uint64_t alignment) {
    return (offset + alignment - 1) / alignment * alignment;
}

/// Calls `take(type, description)` for the notes of "GNU" in a segment.
template <typename Take>
void each_gnu_note(const Elf& elf, const Elf::Segment& segment, const Take& take) {
    constexpr std::string_view kOwner{"GNU\0", 4};
    const ByteReader reader = elf.reader(elf.contents(segment));
    // 8 where the segment says so, as glibc and binutils do, though the gABI has 8 for all of
    // 64 bits.
    const std::uint64_t alignment = segment.alignment == 8 ? 8 : 4;
    for (std::uint64_t at = 0; at < reader.size();) {
        const auto name_bytes = reader.get<std::uint32_t>(at + offsetof(Elf64_Nhdr, n_namesz));
        const auto bytes = reader.get<std::uint32_t>(at + offsetof(Elf64_Nhdr, n_descsz));
        const auto type = reader.get<std::uint32_t>(at + offsetof(Elf64_Nhdr, n_type));
        if (!name_bytes || !bytes || !type) {
            return;
        }
        const std::uint64_t start = at + aligned(sizeof(Elf64_Nhdr) + *name_bytes, alignment);
        const auto owner = reader.slice(at + sizeof(Elf64_Nhdr), *name_bytes);
        const auto description = reader.slice(start, *bytes);
        if (!owner || !description) {
            return;
        }
        if (*owner == kOwner) {
            take(*type, *description);
        }
        at = start + aligned(*bytes, alignment);
    }
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char byte : bytes) {
        text += kDigits[static_cast<unsigned char>(byte) >> 4];
        text += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

/// The N of x86-64-vN in GNU_PROPERTY_X86_ISA_1_NEEDED; 0 without it.
unsigned isa_level(const Elf& elf, std::string_view properties) {
    const ByteReader reader = elf.reader(properties);
    constexpr std::uint64_t kHeader = 8;
    for (std::uint64_t at = 0; at < reader.size();) {
        const auto type = reader.get<std::uint32_t>(at);
        const auto bytes = reader.get<std::uint32_t>(at + 4);
        const auto levels = reader.get<std::uint32_t>(at + kHeader);
        if (!type || !bytes) {
            return 0;
        }
        if (type == GNU_PROPERTY_X86_ISA_1_NEEDED && bytes == sizeof(std::uint32_t) && levels) {
            return static_cast<unsigned>(std::bit_width(*levels));
        }
        at += kHeader + aligned(*bytes, elf.wide() ? 8 : 4);
    }
    return 0;
}

void read_notes(const ElfObject& object, ElfFile& file) {
    const Elf& elf = object.elf();
    const bool x86 = elf.machine_number() == EM_X86_64 || elf.machine_number() == EM_386;
    // Thousands of segments may lie over the same bytes; honest ones name them twice at most, as
    // PT_NOTE and as PT_GNU_PROPERTY.
    std::uint64_t left = 2 * static_cast<std::uint64_t>(elf.bytes().size());
    for (const Elf::Segment& segment : object.segments()) {
        if (segment.type != PT_NOTE && segment.type != PT_GNU_PROPERTY) {
            continue;
        }
        const std::uint64_t bytes = elf.contents(segment).size();
        if (bytes > left) {
            return;
        }
        left -= bytes;
        each_gnu_note(elf, segment, [&](std::uint32_t type, std::string_view description) {
            if (type == NT_GNU_BUILD_ID && file.build_id.empty()) {
                file.build_id = hex(description);
            }
            // Old linkers wrote them with an alignment of 4 in 64 bits too, and wrong; glibc
            // ignores those.
            const bool readable = segment.alignment == (elf.wide() ? 8 : 4);
            if (type == NT_GNU_PROPERTY_TYPE_0 && x86 && readable) {
                file.isa_level = std::max(file.isa_level, isa_level(elf, description));
            }
        });
    }
}

void read_dynamic(const ElfObject& object, StringTable& strings, ElfFile& file) {
    const auto text = [&](std::uint64_t tag) {
        const auto offset = object.tag(tag);
        return offset ? strings.at(*offset).value_or(std::string_view()) : std::string_view();
    };
    file.soname = text(DT_SONAME);
    file.rpath = text(DT_RPATH);
    file.runpath = text(DT_RUNPATH);
    for (const ElfObject::Tag& tag : object.dynamic()) {
        if (tag.name != DT_NEEDED) {
            continue;
        }
        if (const auto name = strings.at(tag.value); name && !name->empty()) {
            file.needed.push_back(*name);
        }
    }
}

ElfFile::Kind kind_of(const ElfObject& object, const ElfFile& file) {
    switch (object.elf().type()) {
        case ET_EXEC:
            return ElfFile::Kind::program;
        case ET_DYN:
            break;
        default:
            return ElfFile::Kind::other;
    }
    const bool position_independent = (object.tag(DT_FLAGS_1).value_or(0) & DF_1_PIE) != 0;
    // libc.so.6 can be run too, and has an interpreter; linkers before 2016 did not write the flag.
    return position_independent || (!file.interpreter.empty() && file.soname.empty())
               ? ElfFile::Kind::program
               : ElfFile::Kind::library;
}

/// The types that glibc's lookup takes (elf/dl-lookup.c, check_match).
bool is_linkable(unsigned type) {
    constexpr unsigned kTypes = 1U << STT_NOTYPE | 1U << STT_OBJECT | 1U << STT_FUNC |
                                1U << STT_COMMON | 1U << STT_TLS | 1U << STT_GNU_IFUNC;
    return (kTypes >> type & 1) != 0;
}

bool is_found(const ElfSymbol& symbol) {
    const unsigned type = ELF64_ST_TYPE(symbol.info);
    const unsigned visibility = ELF64_ST_VISIBILITY(symbol.other);
    return (symbol.value != 0 || symbol.section == SHN_ABS || type == STT_TLS) &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

/// The segments that can be written to: one, but for odd linkers.
std::vector<Elf::Segment> writable_segments(const ElfObject& object) {
    constexpr std::size_t kMost = 8;  // each symbol is looked for in all of them
    std::vector<Elf::Segment> writable;
    for (const Elf::Segment& segment : object.segments()) {
        if (segment.type == PT_LOAD && (segment.flags & PF_W) != 0 && writable.size() < kMost) {
            writable.push_back(segment);
        }
    }
    return writable;
}

bool is_object(const ElfSymbol& symbol, const std::vector<Elf::Segment>& writable) {
    const unsigned type = ELF64_ST_TYPE(symbol.info);
    return (type == STT_OBJECT || type == STT_COMMON) &&
           std::ranges::any_of(writable, [&](const Elf::Segment& segment) {
               return symbol.value >= segment.address &&
                      symbol.value - segment.address < segment.memory_bytes;
           });
}

void read_symbols(const ElfSymbols& symbols, const ElfSymbolVersions& versions,
                  const std::vector<Elf::Segment>& writable, StringTable& strings, ElfFile& file) {
    for (std::size_t i = 1; i < symbols.size(); ++i) {
        const ElfSymbol symbol = symbols.at(i);
        const unsigned binding = ELF64_ST_BIND(symbol.info);
        const bool weak = binding == STB_WEAK;
        if ((binding != STB_GLOBAL && binding != STB_GNU_UNIQUE && !weak) ||
            !is_linkable(ELF64_ST_TYPE(symbol.info))) {
            continue;
        }
        const bool defined = symbol.section != SHN_UNDEF;
        if (defined && !is_found(symbol)) {
            continue;
        }
        const auto version = versions.of(i);
        const auto name = version ? strings.at(symbol.name) : std::nullopt;
        if (!name || name->empty()) {
            continue;
        }
        if (defined) {
            file.exports.push_back({*name, version->name, !version->hidden, symbol.bytes,
                                    is_object(symbol, writable)});
        } else {
            file.imports.push_back({*name, version->name, version->file, weak});
        }
    }
}

void read_copies(const ElfObject& object, const ElfSymbols& symbols,
                 const ElfSymbolVersions& versions, StringTable& strings, ElfFile& file) {
    const ElfMachine* const machine = object.elf().machine();
    if (machine == nullptr || file.kind != ElfFile::Kind::program) {
        return;  // only programs have their data at addresses that were fixed at link time
    }
    for (const ElfRelocations& relocations : elf_relocations(object)) {
        for (std::size_t i = 0; i < relocations.table.size(); ++i) {
            const std::uint64_t index = relocations.symbol(i);
            if (relocations.type(i) != machine->copy_relocation || index >= symbols.size()) {
                continue;
            }
            const ElfSymbol symbol = symbols.at(static_cast<std::size_t>(index));
            const auto version = versions.of(static_cast<std::size_t>(index));
            const auto name = version ? strings.at(symbol.name) : std::nullopt;
            if (name && !name->empty()) {
                file.copies.push_back({*name, version->name, symbol.bytes});
            }
        }
    }
}

std::string_view interpreter(const ElfObject& object) {
    const Elf::Segment* const segment = object.segment(PT_INTERP);
    if (segment == nullptr) {
        return {};
    }
    return StringTable(object.elf().contents(*segment)).at(0).value_or(std::string_view());
}

}  // namespace

Result<ElfFile> parse_elf_file(std::string_view bytes) {
    const auto elf = Elf::open(bytes);
    if (!elf) {
        return fail(Code::bad_image, "not an ELF file");
    }
    if (bytes.size() < (elf->wide() ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr))) {
        return fail(Code::bad_image,
                    fmt::format("an ELF file that ends after {} bytes", bytes.size()));
    }
    ElfFile file;
    if (const ElfMachine* const machine = elf->machine(); machine != nullptr) {
        file.architecture = machine->architecture;
    }
    if (elf->type() != ET_EXEC && elf->type() != ET_DYN) {
        return file;
    }
    const ElfObject object(*elf);
    StringTable strings(object.table(DT_STRTAB, DT_STRSZ));
    file.dynamic = object.segment(PT_DYNAMIC) != nullptr;
    file.no_default_directories = (object.tag(DT_FLAGS_1).value_or(0) & DF_1_NODEFLIB) != 0;
    file.interpreter = interpreter(object);
    read_notes(object, file);
    read_dynamic(object, strings, file);
    file.kind = kind_of(object, file);

    file.versioned = object.tag(DT_VERSYM).has_value();
    const auto definitions = parse_version_definitions(object, strings);
    const auto needs = parse_version_needs(object, strings);
    for (const ElfNeededVersion& need : needs) {
        file.version_needs.push_back({need.file, need.name, need.weak});
    }
    for (const ElfDefinedVersion& definition : definitions) {
        if (!definition.base) {
            file.version_definitions.push_back(definition.name);
        }
    }
    const ElfSymbols symbols(object);
    const ElfSymbolVersions versions(object, definitions, needs);
    read_symbols(symbols, versions, writable_segments(object), strings, file);
    read_copies(object, symbols, versions, strings, file);
    return file;
}

}  // namespace lading::formats
