// SPDX-License-Identifier: BSD-3-Clause
/// An image's configuration on its way from the process that parsed it.
#pragma once

#include "core/formats/fields.hpp"
#include "lading/image.hpp"

namespace lading::app {

void add_config(formats::Fields& fields, const ImageConfig& config);
ImageConfig config_of(const formats::Fields& fields);

}  // namespace lading::app
