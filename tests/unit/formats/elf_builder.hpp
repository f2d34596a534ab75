// SPDX-License-Identifier: BSD-3-Clause
/// Small ELF files of any class and byte order, as a linker would write them.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

struct ElfBuilder {
    static constexpr std::uint64_t kBase = 0x10000;  ///< address of the file's beginning
    static constexpr std::size_t kTables = 512;      ///< where the symbol table begins

    bool wide = true;
    bool big_endian = false;
    std::uint16_t machine = EM_X86_64;
    std::uint16_t type = ET_DYN;
    bool dynamic = true;
    std::uint32_t segment_flags = PF_R | PF_W;
    std::string interpreter = {};
    std::string soname = {};
    std::vector<std::string> needed = {};
    std::string rpath = {};
    std::string runpath = {};
    std::uint64_t flags_1 = 0;
    struct Definition {
        std::string name = {};
        std::uint16_t index = 0;
        std::uint16_t flags = 0;
    };
    std::vector<Definition> definitions = {};
    struct Need {
        std::string file = {};
        std::vector<Definition> versions = {};
    };
    std::vector<Need> needs = {};
    struct Symbol {
        std::string name = {};
        std::uint16_t section = SHN_UNDEF;
        std::uint16_t version = 1;
        unsigned char binding = STB_GLOBAL;
        unsigned char type = STT_FUNC;
        unsigned char visibility = STV_DEFAULT;
        std::uint64_t bytes = 0;
        std::uint64_t value = 0x1234;
    };
    std::vector<Symbol> symbols = {};  ///< the undefined first; their indices begin with 1
    enum class Hash { gnu, sysv, none } hash = Hash::gnu;
    /// Of symbols, of any type.
    struct Relocation {
        std::uint32_t symbol = 0;
        std::uint32_t type = 0;
    };
    std::vector<Relocation> relocations = {};
    std::string build_id = {};
    std::uint32_t isa_needed = 0;

    std::string build() const { return Writer(*this).build(); }

  private:
    class Writer {
      public:
        explicit Writer(const ElfBuilder& file) : file_(file) {}
        std::string build();

      private:
        static constexpr std::size_t kSegments = 64;

        void put(std::size_t at, std::uint64_t value, std::size_t size) {
            for (std::size_t i = 0; i < size; ++i) {
                const std::size_t shift = 8 * (file_.big_endian ? size - 1 - i : i);
                bytes_[at + i] = static_cast<char>(value >> shift & 0xff);
            }
        }
        void add(std::uint64_t value, std::size_t size) {
            bytes_.append(size, '\0');
            put(bytes_.size() - size, value, size);
        }
        void word(std::uint64_t value) { add(value, file_.wide ? 8 : 4); }
        void align() { bytes_.resize((bytes_.size() + 7) / 8 * 8); }
        std::uint64_t string(const std::string& text) {
            strings_ += text + '\0';
            return strings_.size() - text.size() - 1;
        }
        void tag(std::int64_t name, std::uint64_t value) {
            tags_.emplace_back(static_cast<std::uint64_t>(name), value);
        }
        /// Where the next table goes, and its address's tag.
        void begin(std::int64_t address_tag) {
            align();
            tag(address_tag, kBase + bytes_.size());
        }

        void add_symbols();
        void add_hash();
        void add_versions();
        void add_relocations();
        std::pair<std::size_t, std::size_t> add_notes();
        void segment(std::uint32_t type, std::size_t from, std::size_t to, std::uint64_t alignment);

        const ElfBuilder& file_;
        std::string bytes_;
        std::string strings_ = std::string(1, '\0');
        std::vector<std::pair<std::uint64_t, std::uint64_t>> tags_;
        std::size_t segments_ = 0;
    };
};

inline void ElfBuilder::Writer::add_symbols() {
    begin(DT_SYMTAB);
    bytes_.append(file_.wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym), '\0');
    for (const Symbol& symbol : file_.symbols) {
        const auto info = static_cast<unsigned>(symbol.binding << 4 | symbol.type);
        const std::uint64_t value = symbol.section == SHN_UNDEF ? 0 : symbol.value;
        add(string(symbol.name), 4);
        if (!file_.wide) {
            add(value, 4);
            add(symbol.bytes, 4);
        }
        add(info, 1);
        add(symbol.visibility, 1);
        add(symbol.section, 2);
        if (file_.wide) {
            add(value, 8);
            add(symbol.bytes, 8);
        }
    }
}

inline void ElfBuilder::Writer::add_hash() {
    std::size_t undefined = 1;
    while (undefined <= file_.symbols.size() && file_.symbols[undefined - 1].section == SHN_UNDEF) {
        ++undefined;
    }
    const std::size_t count = 1 + file_.symbols.size();
    if (file_.hash == Hash::sysv) {
        const std::size_t entry = file_.wide && file_.machine == EM_S390 ? 8 : 4;
        begin(DT_HASH);
        add(1, entry);
        add(count, entry);
        for (std::size_t i = 0; i < 1 + count; ++i) {
            add(0, entry);
        }
    } else if (file_.hash == Hash::gnu) {
        const bool empty = undefined == count;
        begin(DT_GNU_HASH);
        add(1, 4);                      // buckets
        add(empty ? 1 : undefined, 4);  // as GNU ld writes for none
        add(1, 4);                      // words of the filter
        add(0, 4);
        word(0);
        add(empty ? 0 : undefined, 4);
        for (std::size_t i = undefined; i < count; ++i) {
            add(i + 1 == count ? 1 : 0x100, 4);
        }
    }
}

inline void ElfBuilder::Writer::add_versions() {
    if (file_.definitions.empty() && file_.needs.empty()) {
        return;
    }
    begin(DT_VERSYM);
    add(0, 2);
    for (const Symbol& symbol : file_.symbols) {
        add(symbol.version, 2);
    }
    if (!file_.definitions.empty()) {
        begin(DT_VERDEF);
        tag(DT_VERDEFNUM, file_.definitions.size());
    }
    for (const Definition& definition : file_.definitions) {
        add(1, 2);
        add(definition.flags, 2);
        add(definition.index, 2);
        add(1, 2);
        add(0, 4);
        add(sizeof(Elf64_Verdef), 4);
        const bool last = &definition == &file_.definitions.back();
        add(last ? 0 : sizeof(Elf64_Verdef) + sizeof(Elf64_Verdaux), 4);
        add(string(definition.name), 4);
        add(0, 4);
    }
    if (!file_.needs.empty()) {
        begin(DT_VERNEED);
        tag(DT_VERNEEDNUM, file_.needs.size());
    }
    for (const Need& need : file_.needs) {
        add(1, 2);
        add(need.versions.size(), 2);
        add(string(need.file), 4);
        add(sizeof(Elf64_Verneed), 4);
        add(&need == &file_.needs.back() ? 0 : 16 + 16 * need.versions.size(), 4);
        for (const Definition& version : need.versions) {
            add(0, 4);
            add(version.flags, 2);
            add(version.index, 2);
            add(string(version.name), 4);
            add(&version == &need.versions.back() ? 0 : sizeof(Elf64_Vernaux), 4);
        }
    }
}

inline void ElfBuilder::Writer::add_relocations() {
    if (file_.relocations.empty()) {
        return;
    }
    begin(DT_RELA);
    tag(DT_RELASZ, file_.relocations.size() * (file_.wide ? 24 : 12));
    for (const Relocation& relocation : file_.relocations) {
        word(0x4000);
        word(file_.wide ? std::uint64_t{relocation.symbol} << 32 | relocation.type
                        : relocation.symbol << 8 | relocation.type);
        word(0);
    }
}

inline std::pair<std::size_t, std::size_t> ElfBuilder::Writer::add_notes() {
    align();
    const std::size_t start = bytes_.size();
    const auto note = [&](std::uint32_t kind, std::size_t size) {
        add(4, 4);
        add(size, 4);
        add(kind, 4);
        bytes_.append("GNU\0", 4);
    };
    const std::size_t alignment = file_.wide ? 8 : 4;
    if (!file_.build_id.empty()) {
        note(NT_GNU_BUILD_ID, file_.build_id.size());
        bytes_ += file_.build_id;
        bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    }
    if (file_.isa_needed != 0) {
        note(NT_GNU_PROPERTY_TYPE_0, 2 * (8 + alignment));
        for (const auto& [property, value] :
             {std::pair{0xc0000002U, 3U}, {0xc0008002U, file_.isa_needed}}) {
            add(property, 4);
            add(4, 4);
            word(0);
            put(bytes_.size() - alignment, value, 4);
        }
    }
    return {start, bytes_.size()};
}

inline void ElfBuilder::Writer::segment(std::uint32_t kind, std::size_t from, std::size_t to,
                                        std::uint64_t alignment) {
    const std::size_t at =
        kSegments + segments_++ * (file_.wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
    put(at, kind, 4);
    put(at + (file_.wide ? offsetof(Elf64_Phdr, p_flags) : offsetof(Elf32_Phdr, p_flags)),
        file_.segment_flags, 4);
    put(at + (file_.wide ? offsetof(Elf64_Phdr, p_memsz) : offsetof(Elf32_Phdr, p_memsz)),
        to - from, file_.wide ? 8 : 4);
    if (file_.wide) {
        put(at + offsetof(Elf64_Phdr, p_offset), from, 8);
        put(at + offsetof(Elf64_Phdr, p_vaddr), kBase + from, 8);
        put(at + offsetof(Elf64_Phdr, p_filesz), to - from, 8);
        put(at + offsetof(Elf64_Phdr, p_align), alignment, 8);
    } else {
        put(at + offsetof(Elf32_Phdr, p_offset), from, 4);
        put(at + offsetof(Elf32_Phdr, p_vaddr), kBase + from, 4);
        put(at + offsetof(Elf32_Phdr, p_filesz), to - from, 4);
        put(at + offsetof(Elf32_Phdr, p_align), alignment, 4);
    }
}

inline std::string ElfBuilder::Writer::build() {
    bytes_.assign(kTables, '\0');
    for (const std::string& name : file_.needed) {
        tag(DT_NEEDED, string(name));
    }
    for (const auto& [name, text] : {std::pair{DT_SONAME, &file_.soname},
                                     {DT_RPATH, &file_.rpath},
                                     {DT_RUNPATH, &file_.runpath}}) {
        if (!text->empty()) {
            tag(name, string(*text));
        }
    }
    tag(DT_FLAGS_1, file_.flags_1);
    add_symbols();
    add_hash();
    add_versions();
    add_relocations();
    const auto notes = add_notes();
    const std::size_t loader = bytes_.size();
    bytes_ += file_.interpreter + '\0';
    begin(DT_STRTAB);
    tag(DT_STRSZ, strings_.size());
    bytes_ += strings_;
    align();
    const std::size_t tags = bytes_.size();
    tag(DT_NULL, 0);
    for (const auto& [name, value] : tags_) {
        word(name);
        word(value);
    }

    bytes_.replace(0, 4, ELFMAG);
    bytes_[EI_CLASS] = file_.wide ? ELFCLASS64 : ELFCLASS32;
    bytes_[EI_DATA] = file_.big_endian ? ELFDATA2MSB : ELFDATA2LSB;
    put(offsetof(Elf64_Ehdr, e_type), file_.type, 2);
    put(offsetof(Elf64_Ehdr, e_machine), file_.machine, 2);
    segment(PT_LOAD, 0, bytes_.size(), 4096);
    if (file_.dynamic) {
        segment(PT_DYNAMIC, tags, bytes_.size(), 8);
    }
    if (!file_.interpreter.empty()) {
        segment(PT_INTERP, loader, loader + file_.interpreter.size() + 1, 1);
    }
    if (notes.first != notes.second) {
        segment(PT_NOTE, notes.first, notes.second, file_.wide ? 8 : 4);
    }
    const std::size_t size = file_.wide ? 8 : 4;
    put(file_.wide ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff), kSegments,
        size);
    put(file_.wide ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum), segments_, 2);
    return bytes_;
}

inline constexpr std::uint16_t kHidden = 0x8000;
inline constexpr std::uint16_t kText = 7;  // any section that is there

/// A library with one of everything.
inline ElfBuilder library() {
    ElfBuilder file;
    file.soname = "libgrid.so.2";
    file.needed = {"libm.so.6", "libc.so.6"};
    file.runpath = "$ORIGIN/../lib:/opt/grid";
    file.definitions = {
        {"libgrid.so.2", 1, VER_FLG_BASE}, {"GRID_1", 2, 0}, {"GRID_2", 3, VER_FLG_WEAK}};
    file.needs = {{"libm.so.6", {{"GLIBC_2.29", 4, 0}}},
                  {"libc.so.6", {{"GLIBC_2.34", 5, 0}, {"GLIBC_ABI_DT_RELR", 6, VER_FLG_WEAK}}}};
    file.symbols = {{.name = "pow", .version = 4},
                    {.name = "malloc", .version = 5},
                    {.name = "plain", .version = 1},
                    {.name = "unversioned", .version = 0},
                    {.name = "__gmon_start__", .version = 1, .binding = STB_WEAK},
                    {.name = "grid_open", .section = kText, .version = 3, .bytes = 40},
                    {.name = "grid_open", .section = kText, .version = 2 | kHidden, .bytes = 24},
                    {.name = "grid_table",
                     .section = kText,
                     .version = 2,
                     .binding = STB_WEAK,
                     .type = STT_OBJECT,
                     .bytes = 4096},
                    {.name = "grid_everywhere", .section = kText, .version = 1}};
    file.build_id = std::string("\x01\xab\xff", 3);
    file.isa_needed = 7;
    return file;
}

/// A program that has copied `stdout` of the C library.
inline ElfBuilder program() {
    ElfBuilder file;
    file.interpreter = "/lib64/ld-linux-x86-64.so.2";
    file.flags_1 = DF_1_PIE | DF_1_NODEFLIB;
    file.rpath = "/opt/lib";
    file.needed = {"libc.so.6"};
    file.needs = {{"libc.so.6", {{"GLIBC_2.2.5", 2, 0}}}};
    file.symbols = {
        {.name = "puts", .version = 2},
        {.name = "stdout", .section = kText, .version = 2, .type = STT_OBJECT, .bytes = 8}};
    file.relocations = {{0, R_X86_64_RELATIVE}, {1, R_X86_64_GLOB_DAT}, {2, R_X86_64_COPY}};
    return file;
}
