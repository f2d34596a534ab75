// SPDX-License-Identifier: BSD-3-Clause
/// A plan for people: one line an item, in the order in which it is applied.
#pragma once

#include <string>

#include "lading/plan.hpp"

namespace lading::plan {

std::string to_text(const Plan& plan);

}  // namespace lading::plan
