// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_libc.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/formats/elf_bytes.hpp"
#include "core/formats/elf_versions.hpp"
#include "core/formats/string_table.hpp"

namespace lading::formats {
namespace {

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

}  // namespace

std::string elf_architecture(std::string_view start) {
    const auto elf = Elf::open(start);
    const ElfMachine* const machine = elf ? elf->machine() : nullptr;
    return machine == nullptr ? std::string() : std::string(machine->architecture);
}

std::string elf_interpreter(std::string_view start) {
    const auto elf = Elf::open(start);
    if (!elf) {
        return {};
    }
    for (const Elf::Segment& segment : elf->segments()) {
        if (segment.type == PT_INTERP && segment.offset < start.size()) {
            const std::string_view name = elf->contents(segment);
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
    const ElfObject object(*elf);
    if (!object.tag(DT_VERDEF) || !object.tag(DT_STRTAB)) {
        return bad("has no version definitions");
    }
    if (object.table(DT_VERDEF).empty()) {
        return bad("has version definitions that lie outside of it");
    }
    const std::string_view names = object.table(DT_STRTAB, DT_STRSZ);
    if (names.empty()) {
        return bad("has a string table that lies outside of it");
    }
    StringTable strings(names);
    std::optional<Version> version;
    for (const ElfDefinedVersion& definition : parse_version_definitions(object, strings)) {
        version = std::max(version, parse_version(definition.name));
    }
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
