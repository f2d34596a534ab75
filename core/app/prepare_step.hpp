// SPDX-License-Identifier: BSD-3-Clause
/// The use case of the step helper: from what slurmstepd says to a container that tasks can enter.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/app/image_reader.hpp"
#include "core/sys/fd.hpp"
#include "lading/plan.hpp"
#include "lading/record.hpp"

namespace lading::app {

/// What slurmstepd told.  The texts are the user's and believed no further than an option.
struct StepOrder {
    std::string config_file;
    std::string container;  ///< SLURM_CONTAINER
    std::string request;    ///< SLURM_LADING; empty where the client had no lading
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::string step_name;
    StepFacts step;  ///< working_directory is filled in last
};

struct PreparedStep {
    sys::Fd mounts;
    sys::Fd root;
    std::string seccomp;
    Plan plan;
    Injection injection;
    std::vector<std::string> words;  ///< for the user
    JobRecord record;
    bool report = true;
    std::optional<ImageReader> reader;  ///< still reads ahead; ends with this object
};

/// Prepares the container.  Runs as root in a process of its own, whose mount namespace and root
/// directory it changes.  `await_directory` is called once, as late as possible: slurmstepd learns
/// the job's working directory after it has started this.
Result<PreparedStep> prepare_step(StepOrder order,
                                  const std::function<Result<std::string>()>& await_directory);

}  // namespace lading::app
