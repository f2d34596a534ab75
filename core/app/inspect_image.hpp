// SPDX-License-Identifier: BSD-3-Clause
/// The use case of `lading inspect`: all that a store knows of an image.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/app/list_images.hpp"
#include "core/compat/elf_summary.hpp"
#include "core/sys/fd.hpp"

namespace lading::app {

struct InspectedImage {
    FoundDocument found;
    std::optional<compat::ElfSummary> elf;
    std::string elf_missing;  ///< why there is none
};

Result<InspectedImage> inspect_image(const std::vector<std::string>& stores, const ImageName& name);

/// Reads an index in a child without privileges: who wrote the store wrote its bytes.
Result<compat::ElfSummary> summarise_index(const sys::Fd& index, const std::string& architecture);

}  // namespace lading::app
