// SPDX-License-Identifier: BSD-3-Clause
// An index from a store that users write: everything that the engine asks of it.
#include <cstddef>
#include <cstdint>

#include "core/formats/elf_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lading::formats;
    const auto index = ElfIndex::open({reinterpret_cast<const char*>(data), size});
    if (!index) {
        return 0;
    }
    for (std::uint32_t id = 0; id < index->size(); ++id) {
        const IndexedFile file = index->file(id);
        (void)index->find(file.path);
        (void)index->resolve(file.interpreter);
        (void)index->script_interpreter(file.path);
        (void)index->with_soname(file.soname);
        (void)index->needed(id);
        (void)index->version_needs(id);
        (void)index->version_definitions(id);
        (void)index->imports(id);
        for (const ElfCopy& copy : index->copies(id)) {
            (void)index->object_bytes(id, copy.name, copy.version);
        }
        (void)index->exports(id, "main", "");
    }
    for (const std::string_view name : index->sonames()) {
        (void)index->users(name);
        (void)index->cached(name);
    }
    (void)index->loader_cache();
    return 0;
}
