// SPDX-License-Identifier: BSD-3-Clause
// A CDI specification, in JSON or YAML, and the profiles that it means.
#include <cstddef>
#include <cstdint>

#include "core/formats/cdi.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lading::formats;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const char* const name : {"f.json", "f.yaml"}) {
        if (const auto spec = parse_cdi(text, name)) {
            (void)profiles_of(*spec, name);
            (void)format_cdi(*spec);
        }
    }
    return 0;
}
