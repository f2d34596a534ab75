// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_bytes.hpp"

#include <elf.h>

#include <algorithm>

namespace lading::formats {
namespace {

constexpr ElfMachine kMachines[] = {
    {EM_X86_64, false, true, "amd64", R_X86_64_COPY},
    {EM_AARCH64, false, true, "arm64", R_AARCH64_COPY},
    {EM_PPC64, false, true, "ppc64le", R_PPC64_COPY},
    {EM_PPC64, true, true, "ppc64", R_PPC64_COPY},
    {EM_RISCV, false, true, "riscv64", R_RISCV_COPY},
    {EM_S390, true, true, "s390x", R_390_COPY},
    {EM_386, false, false, "386", R_386_COPY},
    {EM_ARM, false, false, "arm", R_ARM_COPY},
};

/// From `offset` on; empty beyond the end.
std::string_view from(std::string_view bytes, std::uint64_t offset) {
    return offset < bytes.size() ? bytes.substr(static_cast<std::size_t>(offset))
                                 : std::string_view();
}

std::string_view at_most(std::string_view bytes, std::uint64_t length) {
    return length < bytes.size() ? bytes.substr(0, static_cast<std::size_t>(length)) : bytes;
}

}  // namespace

std::optional<Elf> Elf::open(std::string_view bytes) {
    if (bytes.size() < EI_NIDENT || !bytes.starts_with(ELFMAG) ||
        (bytes[EI_CLASS] != ELFCLASS32 && bytes[EI_CLASS] != ELFCLASS64) ||
        (bytes[EI_DATA] != ELFDATA2LSB && bytes[EI_DATA] != ELFDATA2MSB)) {
        return std::nullopt;
    }
    return Elf(bytes, bytes[EI_CLASS] == ELFCLASS64, bytes[EI_DATA] == ELFDATA2MSB);
}

std::uint16_t Elf::type() const {
    return reader(bytes_).get<std::uint16_t>(offsetof(Elf64_Ehdr, e_type)).value_or(ET_NONE);
}

std::uint16_t Elf::machine_number() const {
    return reader(bytes_).get<std::uint16_t>(offsetof(Elf64_Ehdr, e_machine)).value_or(EM_NONE);
}

const ElfMachine* Elf::machine() const {
    const auto* const found = std::ranges::find_if(
        kMachines, [this, number = machine_number()](const ElfMachine& machine) {
            return machine.number == number && machine.big_endian == big_endian_ &&
                   machine.wide == wide_;
        });
    return found == std::end(kMachines) ? nullptr : found;
}

std::vector<Elf::Segment> Elf::segments() const {
    const ElfRecords header = records(bytes_, wide_ ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
    if (header.size() == 0) {
        return {};
    }
    const std::uint64_t start =
        header.word(0, offsetof(Elf32_Ehdr, e_phoff), offsetof(Elf64_Ehdr, e_phoff));
    ElfRecords table =
        records(from(bytes_, start), wide_ ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
    table.shorten(header.get<std::uint16_t>(
        0, wide_ ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)));
    std::vector<Segment> list;
    list.reserve(table.size());
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto field = [&](std::size_t narrow, std::size_t wide) {
            return table.word(i, narrow, wide);
        };
        list.push_back({table.get<std::uint32_t>(i, offsetof(Elf64_Phdr, p_type)),
                        field(offsetof(Elf32_Phdr, p_offset), offsetof(Elf64_Phdr, p_offset)),
                        field(offsetof(Elf32_Phdr, p_vaddr), offsetof(Elf64_Phdr, p_vaddr)),
                        field(offsetof(Elf32_Phdr, p_filesz), offsetof(Elf64_Phdr, p_filesz)),
                        field(offsetof(Elf32_Phdr, p_align), offsetof(Elf64_Phdr, p_align)),
                        field(offsetof(Elf32_Phdr, p_memsz), offsetof(Elf64_Phdr, p_memsz)),
                        table.get<std::uint32_t>(i, wide_ ? offsetof(Elf64_Phdr, p_flags)
                                                          : offsetof(Elf32_Phdr, p_flags))});
    }
    return list;
}

std::string_view Elf::contents(const Segment& segment) const {
    return at_most(from(bytes_, segment.offset), segment.file_bytes);
}

ElfObject::ElfObject(const Elf& elf) : elf_(elf), segments_(elf.segments()) {
    const Elf::Segment* const found = segment(PT_DYNAMIC);
    if (found == nullptr) {
        return;
    }
    const ElfRecords table =
        elf.records(elf.contents(*found), elf.wide() ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn));
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::uint64_t name = table.word(i, 0, 0);
        if (name == DT_NULL) {
            break;
        }
        dynamic_.push_back(
            {name, table.word(i, offsetof(Elf32_Dyn, d_un), offsetof(Elf64_Dyn, d_un))});
    }
}

const Elf::Segment* ElfObject::segment(std::uint32_t type) const {
    const auto found = std::ranges::find(segments_, type, &Elf::Segment::type);
    return found == segments_.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> ElfObject::tag(std::uint64_t name) const {
    const auto last = std::find_if(dynamic_.rbegin(), dynamic_.rend(),
                                   [name](const Tag& tag) { return tag.name == name; });
    return last == dynamic_.rend() ? std::nullopt : std::optional(last->value);
}

std::string_view ElfObject::loaded(std::uint64_t address) const {
    for (const Elf::Segment& segment : segments_) {
        if (segment.type == PT_LOAD && address >= segment.address &&
            address - segment.address < segment.file_bytes) {
            return from(elf_.contents(segment), address - segment.address);
        }
    }
    return {};
}

std::string_view ElfObject::table(std::uint64_t address_tag) const {
    const auto address = tag(address_tag);
    return address ? loaded(*address) : std::string_view();
}

std::string_view ElfObject::table(std::uint64_t address_tag, std::uint64_t size_tag) const {
    const std::string_view bytes = table(address_tag);
    const auto size = tag(size_tag);
    return size && *size <= bytes.size() ? bytes.substr(0, static_cast<std::size_t>(*size))
                                         : std::string_view();
}

}  // namespace lading::formats
