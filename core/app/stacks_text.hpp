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

/// Neither the index nor the profiles are in these bytes: both are given again, the profiles as
/// they were probed.
std::string format_stacks(const ProbedHost& host);
Result<ProbedHost> parse_stacks(std::string_view bytes, const std::vector<Profile>& profiles);

}  // namespace lading::app
