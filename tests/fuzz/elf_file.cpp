// SPDX-License-Identifier: BSD-3-Clause
// An ELF file of an image, and the index that is made of it.
#include <cstddef>
#include <cstdint>

#include "core/formats/elf_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lading::formats;
    const auto file = parse_elf_file({reinterpret_cast<const char*>(data), size});
    if (file) {
        ElfIndexBuilder builder;
        builder.add_file("/a", *file);
        const std::string bytes = std::move(builder).finish();
        if (!ElfIndex::open(bytes)) {
            __builtin_trap();  // what we write we read
        }
    }
    return 0;
}
