// SPDX-License-Identifier: BSD-3-Clause
/// What the loader would read in one ELF file, from its bytes: nothing is executed, and every
/// offset in it is hostile.
///
/// Sources: System V ABI, generic, chapters 4 and 5; Linux Standard Base 5.0, "Symbol Versioning";
/// x86-64 psABI, "Program Property" (GNU_PROPERTY_X86_ISA_1_NEEDED).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

/// All texts are views into the bytes that were parsed.
struct ElfVersionNeed {
    std::string_view file;     ///< soname that must define it
    std::string_view version;  ///< `GLIBC_2.34`
    bool weak = false;         ///< VER_FLG_WEAK: the loader only warns
};

/// An undefined symbol of .dynsym.
struct ElfImport {
    std::string_view name;
    std::string_view version;  ///< empty: any definition will do
    std::string_view file;     ///< soname that the version is asked of; empty with it
    bool weak = false;         ///< may stay unresolved
};

/// A defined global or weak symbol of .dynsym with default or protected visibility.
struct ElfExport {
    std::string_view name;
    std::string_view version;     ///< empty: unversioned
    bool default_version = true;  ///< `@@`: what an unversioned reference binds to
    std::uint64_t bytes = 0;      ///< st_size
    bool object = false;          ///< data that can be written to: see ElfCopy
};

/// A data object of another library that this program holds its own copy of (R_*_COPY): both sides
/// must agree on its size.
struct ElfCopy {
    std::string_view name;
    std::string_view version;
    std::uint64_t bytes = 0;
};

struct ElfFile {
    enum class Kind {
        program,  ///< ET_EXEC, or ET_DYN with DF_1_PIE, or with PT_INTERP and without a soname
        library,  ///< ET_DYN otherwise
        other,    ///< relocatable, core
    };
    Kind kind = Kind::other;
    std::string_view architecture;  ///< GOARCH value (elf_architecture); empty: unknown machine
    bool dynamic = false;           ///< has PT_DYNAMIC; a program without is static
    bool no_default_directories = false;  ///< DF_1_NODEFLIB
    std::string_view interpreter;         ///< PT_INTERP
    std::string_view soname;
    std::vector<std::string_view> needed;
    std::string_view rpath;    ///< as written; ignored by loaders where there is a runpath
    std::string_view runpath;  ///< likewise
    std::string build_id;      ///< lower-case hex of NT_GNU_BUILD_ID
    unsigned isa_level = 0;    ///< x86-64-vN that the file says it needs; 0: nothing said
    bool versioned = false;    ///< has DT_VERSYM, without which ld.so gives nobody a version
    std::vector<ElfVersionNeed> version_needs;
    std::vector<std::string_view> version_definitions;  ///< without the base (the file's own name)
    std::vector<ElfImport> imports;
    std::vector<ElfExport> exports;
    std::vector<ElfCopy> copies;
};

/// Reads the program headers, the dynamic section, versions, symbols, copy relocations and notes;
/// never section headers, which a stripped file need not have.  What lies outside of the bytes is
/// left out: a damaged file has fewer facts, never wrong ones.  Time and memory are bounded by the
/// bytes' size, whatever counts they claim.
/// Code::bad_image for what is no ELF file.
Result<ElfFile> parse_elf_file(std::string_view bytes);

}  // namespace lading::formats
