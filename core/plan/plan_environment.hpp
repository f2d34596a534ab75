// SPDX-License-Identifier: BSD-3-Clause
/// The part of the plan that changes the tasks' environment.
#pragma once

#include <vector>

#include "lading/plan.hpp"

namespace lading::plan {

/// Edits of the job's environment, the fewest that do it, sorted by name:
/// 1. the job's variables, less those that describe the host's file system;
/// 2. the image's variables over them, except where the job's count;
/// 3. PATH, where the image names none;
/// 4. what the site sets, over everything.
/// What the user names by --container-env and what the site passes is the job's, whatever it is.
/// Code::bad_image where the image's variables are larger than an exec can carry.
Result<std::vector<EnvironmentEdit>> plan_environment(const Request& request,
                                                      const ImageFacts& image,
                                                      const HostFacts& host,
                                                      const SiteConfig& site);

}  // namespace lading::plan
