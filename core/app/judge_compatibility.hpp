// SPDX-License-Identifier: BSD-3-Clause
/// The compatibility question of one image, one host and one command: asked by `lading check` and
/// by every step, so that both get the same answer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/app/host_stacks.hpp"
#include "core/formats/fields.hpp"
#include "lading/host.hpp"
#include "lading/image.hpp"
#include "lading/injection.hpp"
#include "lading/plan.hpp"
#include "lading/request.hpp"
#include "lading/site.hpp"

namespace lading::app {

/// A part of the host that the container shows: programs below it are the host's files.
struct ShownPath {
    std::string guest;
    std::string host;
};

struct JudgeQuestion {
    std::string image;                          ///< for messages
    std::string architecture;                   ///< the image's, as its configuration says
    std::map<std::string, std::string> labels;  ///< those of the command line over the image's
    Inject inject;
    std::vector<std::string> programs;  ///< as they would be typed; empty: whatever is run
    bool insist = false;  ///< a program that is nowhere is an error; a step finds that out itself
    std::string path;     ///< PATH in the container
    std::string working_directory;         ///< in the container
    std::string library_path;              ///< LD_LIBRARY_PATH in the container
    std::vector<std::string> environment;  ///< NVIDIA_REQUIRE_CUDA=… and its like
    std::vector<ShownPath> shown;
};

/// The question for a step with this plan.
JudgeQuestion judge_question(const Request& request, const SiteConfig& site,
                             const ImageFacts& image, const HostFacts& host, const Plan& plan);

/// For the reader of images.
formats::Fields to_fields(const JudgeQuestion& question);
JudgeQuestion from_fields(const formats::Fields& fields);

/// Judges by the image's index.  Opens the programs that lie outside of the image.
Result<Injection> judge_compatibility(const JudgeQuestion& question, std::string_view image_index,
                                      const compat::HostSide& host);

}  // namespace lading::app
