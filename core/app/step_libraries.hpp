// SPDX-License-Identifier: BSD-3-Clause
/// What a step gets of the host's libraries, as far as root believes the reader of its image.
#pragma once

#include <string>
#include <vector>

#include "core/app/image_reader.hpp"
#include "lading/record.hpp"

namespace lading::app {

struct StepLibrariesQuestion {
    const Request& request;
    const SiteConfig& site;
    const ImageFacts& image;
    int file;  ///< the image's, open
    const HostFacts& host;
    const HostStacks& stacks;
    const Plan& plan;  ///< all but the libraries
};

/// Asks the reader.  `image` is the image's root directory.  Code::mismatch where the step must not
/// start; what it lacks though it starts is added to `words`.
Result<Injection> plan_libraries(const StepLibrariesQuestion& of, int image, ImageReader& reader,
                                 std::vector<std::string>& words);

/// The reader's decision, as far as root believes it: what it names must be of the site's own
/// stacks.  Code::refused where it is not.
Result<> check_injection(const Injection& injection, const compat::HostSide& host);

/// For the job's record.
LibrariesRecord libraries_record(const Injection& injection);

}  // namespace lading::app
