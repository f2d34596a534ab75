// SPDX-License-Identifier: BSD-3-Clause
/// What a user may bind, and over what.
#pragma once

#include <string_view>

#include "lading/plan.hpp"

namespace lading::plan {

/// Does the site forbid to bind `source`: because a forbidden path is or holds it, or because it
/// holds a forbidden one, which a recursive bind would bring along?
bool is_forbidden_source(std::string_view source, const SiteConfig& site);

/// Does lading or the site forbid to mount over `target`: because a forbidden path is or holds it,
/// or because the mount would hide a forbidden one?
bool is_forbidden_target(std::string_view target, const SiteConfig& site);

/// A mount of --container-mounts, as it was written.  Code::refused.
Result<> check_mount_request(const MountRequest& mount, const SiteConfig& site);

}  // namespace lading::plan
