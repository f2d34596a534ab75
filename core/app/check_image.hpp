// SPDX-License-Identifier: BSD-3-Clause
/// The use case of `lading check`: what a step of this user's would get, without starting one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lading/host.hpp"
#include "lading/image.hpp"
#include "lading/injection.hpp"
#include "lading/plan.hpp"
#include "lading/request.hpp"
#include "lading/site.hpp"

namespace lading::app {

struct CheckOrder {
    Request request;
    SiteConfig site;
    std::vector<std::string> programs;  ///< as they would be typed; empty: whatever is run
    std::string working_directory;
    std::vector<std::string> environment;  ///< `NAME=value`
    std::optional<unsigned> isa_level;     ///< of another node's processor than this one's
};

struct CheckedImage {
    ImageFacts image;
    HostFacts host;
    Plan plan;  ///< whole, as a step would be given it
    Injection injection;
    bool any_profile = false;  ///< has the site any
};

/// Runs with the caller's rights; the image's bytes are read by a child that has none.
Result<CheckedImage> check_image(const CheckOrder& order);

}  // namespace lading::app
