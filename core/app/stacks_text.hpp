// SPDX-License-Identifier: BSD-3-Clause
/// What was probed of the host, as bytes: between processes, and in the file that keeps it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/app/probe_stacks.hpp"
#include "lading/profile.hpp"
#include "lading/result.hpp"

namespace lading::app {

std::string format_stacks(const ProbedHost& host);

/// The profiles themselves are not in the bytes: those that were probed, in the same order.
Result<ProbedHost> parse_stacks(std::string_view bytes, const std::vector<Profile>& profiles);

}  // namespace lading::app
