// SPDX-License-Identifier: BSD-3-Clause
/// May this image be put into that store, by this user?
#pragma once

#include <string>
#include <vector>

#include "lading/request.hpp"
#include "lading/site.hpp"

namespace lading {

/// Who asks, by the names that the name service gives.
struct ImportCaller {
    std::string user;
    std::vector<std::string> groups;
};

/// Code::refused where the store's policy says no.  `source` is null for what lies in files.
Result<> check_import(const StoreConfig& store, const RegistryImage* source,
                      const ImportCaller& caller);

}  // namespace lading
