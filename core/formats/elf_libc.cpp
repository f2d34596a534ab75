// SPDX-License-Identifier: BSD-3-Clause
// ELF: System V ABI, generic, chapters 4 and 5; version definitions: Linux Standard Base 5.0,
// "Symbol Versioning".
#include "core/formats/elf_libc.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "core/formats/byte_reader.hpp"

namespace lading::formats {
namespace {

struct Machine {
    std::uint16_t number;
    bool big_endian;
    bool wide;
    std::string_view name;
};
constexpr Machine kMachines[] = {
    {EM_X86_64, false, true, "amd64"},  {EM_AARCH64, false, true, "arm64"},
    {EM_PPC64, false, true, "ppc64le"}, {EM_PPC64, true, true, "ppc64"},
    {EM_RISCV, false, true, "riscv64"}, {EM_S390, true, true, "s390x"},
    {EM_386, false, false, "386"},      {EM_ARM, false, false, "arm"},
};

/// A shared object's bytes with the handful of fields that lead to its version definitions.
/// Every offset comes from the file and is checked where it is used.
class Elf {
  public:
    static std::optional<Elf> open(std::string_view bytes) {
        if (bytes.size() < EI_NIDENT || !bytes.starts_with(ELFMAG) ||
            (bytes[EI_CLASS] != ELFCLASS32 && bytes[EI_CLASS] != ELFCLASS64) ||
            (bytes[EI_DATA] != ELFDATA2LSB && bytes[EI_DATA] != ELFDATA2MSB)) {
            return std::nullopt;
        }
        return Elf(bytes, bytes[EI_CLASS] == ELFCLASS64, bytes[EI_DATA] == ELFDATA2MSB);
    }

    bool wide() const { return wide_; }
    bool big_endian() const { return big_endian_; }
    const ByteReader& bytes() const { return bytes_; }

    /// An address-sized field: at `narrow` in a 32-bit file, at `wide` in a 64-bit one.
    std::optional<std::uint64_t> word(std::uint64_t base, std::uint64_t narrow,
                                      std::uint64_t wide) const {
        if (wide_) {
            return bytes_.get<std::uint64_t>(base + wide);
        }
        return bytes_.get<std::uint32_t>(base + narrow);
    }

    struct Segment {
        std::uint32_t type = 0;
        std::uint64_t offset = 0;
        std::uint64_t address = 0;
        std::uint64_t file_bytes = 0;
    };

    std::vector<Segment> segments() const {
        std::vector<Segment> list;
        const auto table = word(0, offsetof(Elf32_Ehdr, e_phoff), offsetof(Elf64_Ehdr, e_phoff));
        const auto count = bytes_.get<std::uint16_t>(wide_ ? offsetof(Elf64_Ehdr, e_phnum)
                                                           : offsetof(Elf32_Ehdr, e_phnum));
        const std::uint64_t size = wide_ ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
        for (std::uint64_t i = 0; table && count && i < *count; ++i) {
            // A table beyond the file's end stops the loop; only the sum must not wrap.
            if (*table > bytes_.size()) {
                break;
            }
            const std::uint64_t at = *table + i * size;
            const auto type = bytes_.get<std::uint32_t>(at);
            const auto offset =
                word(at, offsetof(Elf32_Phdr, p_offset), offsetof(Elf64_Phdr, p_offset));
            const auto address =
                word(at, offsetof(Elf32_Phdr, p_vaddr), offsetof(Elf64_Phdr, p_vaddr));
            const auto length =
                word(at, offsetof(Elf32_Phdr, p_filesz), offsetof(Elf64_Phdr, p_filesz));
            if (!type || !offset || !address || !length) {
                break;
            }
            list.push_back({*type, *offset, *address, *length});
        }
        return list;
    }

  private:
    Elf(std::string_view bytes, bool wide, bool big_endian)
        : bytes_(bytes, big_endian), wide_(wide), big_endian_(big_endian) {}
    ByteReader bytes_;
    bool wide_;
    bool big_endian_;
};

/// Where the file holds what the loader would put at `address`.
std::optional<std::uint64_t> file_offset(const std::vector<Elf::Segment>& segments,
                                         std::uint64_t address) {
    for (const auto& segment : segments) {
        if (segment.type == PT_LOAD && address >= segment.address &&
            address - segment.address < segment.file_bytes &&
            segment.offset <= UINT64_MAX - segment.file_bytes) {
            return segment.offset + (address - segment.address);
        }
    }
    return std::nullopt;
}

struct Dynamic {
    std::optional<std::uint64_t> definitions;  ///< DT_VERDEF, an address
    std::uint64_t definition_count = 0;
    std::optional<std::uint64_t> strings;  ///< DT_STRTAB, an address
    std::uint64_t string_bytes = 0;
};

Dynamic read_dynamic(const Elf& elf, const std::vector<Elf::Segment>& segments) {
    Dynamic dynamic;
    const auto found = std::ranges::find(segments, PT_DYNAMIC, &Elf::Segment::type);
    if (found == segments.end() || found->offset > elf.bytes().size()) {
        return dynamic;
    }
    const std::uint64_t size = elf.wide() ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
    const std::uint64_t bytes = std::min(found->file_bytes, elf.bytes().size());
    for (std::uint64_t at = 0; at < bytes; at += size) {
        const auto tag = elf.word(found->offset + at, 0, 0);
        const auto value = elf.word(found->offset + at, sizeof(Elf32_Sword), sizeof(Elf64_Sxword));
        if (!tag || !value || *tag == DT_NULL) {
            break;
        }
        switch (*tag) {
            case DT_VERDEF:
                dynamic.definitions = value;
                break;
            case DT_VERDEFNUM:
                dynamic.definition_count = *value;
                break;
            case DT_STRTAB:
                dynamic.strings = value;
                break;
            case DT_STRSZ:
                dynamic.string_bytes = *value;
                break;
            default:
                break;
        }
    }
    return dynamic;
}

using Version = std::array<unsigned, 3>;

std::optional<Version> parse_version(std::string_view name) {
    constexpr std::string_view kPrefix = "GLIBC_";
    if (!name.starts_with(kPrefix)) {
        return std::nullopt;
    }
    name.remove_prefix(kPrefix.size());
    Version version{};
    for (unsigned& part : version) {
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), part);
        if (error != std::errc{}) {
            return std::nullopt;  // GLIBC_PRIVATE
        }
        name.remove_prefix(static_cast<std::size_t>(end - name.data()));
        if (name.empty()) {
            return version;
        }
        if (name.front() != '.') {
            return std::nullopt;
        }
        name.remove_prefix(1);
    }
    return std::nullopt;
}

/// The string at `offset` of the string table, up to its NUL.
std::string_view string_at(std::string_view strings, std::uint64_t offset) {
    if (offset >= strings.size()) {
        return {};
    }
    const std::string_view rest = strings.substr(static_cast<std::size_t>(offset));
    return rest.substr(0, rest.find('\0'));
}

std::optional<Version> highest_version(const Elf& elf, std::uint64_t table, std::uint64_t count,
                                       std::string_view strings) {
    constexpr std::uint64_t kMostDefinitions = 4096;  // glibc 2.36 has 41
    std::optional<Version> highest;
    std::uint64_t at = table;
    for (std::uint64_t i = 0; i < std::min(count, kMostDefinitions); ++i) {
        // Verdef and Verdaux have the same layout in both classes.
        const auto names = elf.bytes().get<std::uint32_t>(at + offsetof(Elf64_Verdef, vd_aux));
        const auto next = elf.bytes().get<std::uint32_t>(at + offsetof(Elf64_Verdef, vd_next));
        if (!names || !next) {
            break;
        }
        const auto name = elf.bytes().get<std::uint32_t>(at + *names);
        const auto version = name ? parse_version(string_at(strings, *name)) : std::nullopt;
        if (version && (!highest || *version > *highest)) {
            highest = version;
        }
        if (*next == 0) {
            break;
        }
        at += *next;  // 4096 steps of 32 bits from within the file cannot wrap 64
    }
    return highest;
}

}  // namespace

std::string elf_architecture(std::string_view start) {
    const auto elf = Elf::open(start);
    if (!elf) {
        return {};
    }
    const auto number = elf->bytes().get<std::uint16_t>(offsetof(Elf64_Ehdr, e_machine));
    for (const Machine& machine : kMachines) {
        if (number == machine.number && elf->big_endian() == machine.big_endian &&
            elf->wide() == machine.wide) {
            return std::string(machine.name);
        }
    }
    return {};
}

std::string elf_interpreter(std::string_view start) {
    const std::optional<Elf> elf = Elf::open(start);
    if (!elf) {
        return {};
    }
    for (const Elf::Segment& segment : elf->segments()) {
        if (segment.type == PT_INTERP && segment.offset < start.size()) {
            const std::string_view name = start.substr(segment.offset, segment.file_bytes);
            return std::string(name.substr(0, name.find('\0')));
        }
    }
    return {};
}

Result<std::string> parse_glibc_version(std::string_view bytes) {
    const auto bad = [](const char* why) {
        return fail(Code::bad_image, fmt::format("the image's libc.so.6 {}", why));
    };
    const auto elf = Elf::open(bytes);
    if (!elf) {
        return bad("is not an ELF file");
    }
    const auto segments = elf->segments();
    const Dynamic dynamic = read_dynamic(*elf, segments);
    if (!dynamic.definitions || !dynamic.strings) {
        return bad("has no version definitions");
    }
    const auto table = file_offset(segments, *dynamic.definitions);
    const auto text = file_offset(segments, *dynamic.strings);
    if (!table || !text || *table > bytes.size()) {
        return bad("has version definitions that lie outside of it");
    }
    const auto strings = elf->bytes().slice(*text, dynamic.string_bytes);
    if (!strings) {
        return bad("has a string table that lies outside of it");
    }
    const auto version = highest_version(*elf, *table, dynamic.definition_count, *strings);
    if (!version) {
        return bad("defines no GLIBC version");
    }
    return (*version)[2] == 0
               ? fmt::format("{}.{}", (*version)[0], (*version)[1])
               : fmt::format("{}.{}.{}", (*version)[0], (*version)[1], (*version)[2]);
}

LibcFile libc_file(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return LibcFile::none;
    }
    std::string_view directory = path.substr(0, slash);
    const std::string_view name = path.substr(slash + 1);
    if (directory.starts_with("usr/")) {
        directory.remove_prefix(4);
    }
    // `lib`, `lib64`, and Debian's `lib/x86_64-linux-gnu`; a cross compiler's own directories hold
    // a libc.so.6 as well, which says nothing about the image.
    constexpr std::string_view kLibraries[] = {"lib", "lib64", "lib32", "libx32"};
    const std::string_view top = directory.substr(0, directory.find('/'));
    if (std::ranges::find(kLibraries, top) == std::end(kLibraries)) {
        return LibcFile::none;
    }
    const std::string_view below = directory.substr(std::min(top.size() + 1, directory.size()));
    const bool multiarch = below.find("-linux-") != std::string_view::npos &&
                           below.find('/') == std::string_view::npos;
    if (!below.empty() && !multiarch) {
        return LibcFile::none;
    }
    if (name.starts_with("ld-musl-") && name.ends_with(".so.1")) {
        return LibcFile::musl;
    }
    if (name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so"))) {
        return LibcFile::glibc;
    }
    return LibcFile::none;
}

}  // namespace lading::formats
