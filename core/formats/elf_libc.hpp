// SPDX-License-Identifier: BSD-3-Clause
/// Which C library an image has, from the bytes of its files: nothing of the image is executed.
#pragma once

#include <string>
#include <string_view>

#include "lading/result.hpp"

namespace lading::formats {

/// GOARCH name of an ELF file's machine (`amd64`, `arm64`, …); empty for what is no ELF file or of
/// a machine without such a name.  The first 20 bytes suffice.
std::string elf_architecture(std::string_view start);

/// The loader that an ELF program names (PT_INTERP); empty for what names none within these bytes.
std::string elf_interpreter(std::string_view start);

/// The highest `GLIBC_x.y` that a libc.so.6 defines, as `2.36`.  Code::bad_image for what is no ELF
/// shared object with version definitions.
Result<std::string> parse_glibc_version(std::string_view elf);

/// What a path (normalised, relative) says about the file there.
enum class LibcFile {
    none,
    glibc,  ///< libc.so.6, or before 2.34 the libc-2.N.so that it pointed to
    musl,   ///< ld-musl-ARCH.so.1, whose presence is the fact
};
LibcFile libc_file(std::string_view path);

}  // namespace lading::formats
