// SPDX-License-Identifier: BSD-3-Clause
/// Who puts an image into which store, and may he?
#pragma once

#include <string>

#include "lading/request.hpp"
#include "lading/site.hpp"

namespace lading::cli {

/// The policy of the store at `path`, which lets the caller import from `source` (null: from
/// files); Code::refused where it does not.  A store that is not configured lets everybody.
Result<ImportPolicy> may_import(const SiteConfig& site, const std::string& path,
                                const RegistryImage* source);

/// Reads NAME[:TAG], a name for what is to come: a digest is an error.
Result<ImageName> parse_new_name(const std::string& text);

}  // namespace lading::cli
