// SPDX-License-Identifier: BSD-3-Clause
// An image's /etc/ld.so.cache.
#include <cstddef>
#include <cstdint>

#include "core/formats/ld_cache.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    for (const char* const architecture : {"amd64", "arm64"}) {
        (void)lading::formats::parse_ld_cache({reinterpret_cast<const char*>(data), size},
                                              architecture);
    }
    return 0;
}
