// SPDX-License-Identifier: BSD-3-Clause
/// What a store holds, as far as it tells which image a job needs.
#pragma once

#include "core/record/image_uses.hpp"
#include "core/sys/image_store.hpp"
#include "lading/result.hpp"

namespace lading::app {

/// Documents that cannot be read are left out.
Result<record::StoreFacts> load_store_facts(const sys::ImageStore& store);

}  // namespace lading::app
