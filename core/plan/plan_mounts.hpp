// SPDX-License-Identifier: BSD-3-Clause
/// The part of the plan that makes the root: replaced files, then binds, in the order of their
/// work.
#pragma once

#include <vector>

#include "lading/plan.hpp"

namespace lading::plan {

/// Where several mounts want one target, the user's wins over the site's, and the site's over
/// lading's own.  Errors: Code::refused for a user's mount that the site forbids; Code::usage for
/// two user mounts with one target.
Result<std::vector<RootOperation>> plan_mounts(const Request& request, const HostFacts& host,
                                               const SiteConfig& site);

}  // namespace lading::plan
