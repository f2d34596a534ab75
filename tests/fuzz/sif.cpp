// SPDX-License-Identifier: BSD-3-Clause
// A SIF's header and descriptors.
#include "core/formats/sif.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lading::formats;
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    const auto table = parse_sif_header(file.substr(0, kSifHeaderBytes), size, "f");
    if (!table) {
        return 0;
    }
    const auto contents =
        parse_sif_table(*table, file.substr(table->offset, table->bytes), size, "f");
    if (contents && !lies_within(contents->system, size)) {
        std::abort();
    }
    return 0;
}
