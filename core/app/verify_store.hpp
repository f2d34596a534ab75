// SPDX-License-Identifier: BSD-3-Clause
/// The use case of `lading verify`: reads images again, and says what is not as it was imported.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lading/image.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct VerifiedImage {
    std::string name;  ///< its tags, or where it has none its digest
    std::string digest;
    std::uint64_t bytes = 0;
    std::vector<Error> damage;  ///< none: it is whole
};

struct VerifiedStore {
    std::vector<Error> damage;  ///< of tags, and of documents that name no image
    std::size_t orphans = 0;    ///< files that belong to no image
    std::uint64_t orphan_bytes = 0;
};

/// Verifies the images of that name, or all where there is none; `report` hears of each in turn,
/// because one takes as long as its file takes to be read.  Code::not_found where no image of the
/// store has the name.
Result<VerifiedStore> verify_store(const std::string& store, const std::vector<ImageName>& names,
                                   const std::function<void(const VerifiedImage&)>& report);

}  // namespace lading::app
