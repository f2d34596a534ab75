// SPDX-License-Identifier: BSD-3-Clause
/// What is known about the compute node and the step that is about to start there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lading/path.hpp"

namespace lading {

/// A group of the job's user, as the host's name service knows it.
struct Group {
    gid_t gid = 0;
    std::string name;  ///< empty where the name service knows none
};

/// The job's user, as Slurm and the host's name service know it: never from the environment.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
    std::string gecos;
    std::string home;
    std::string shell;
    std::vector<Group> groups;  ///< primary and supplementary
};

/// The step, as slurmstepd knows it.
struct StepFacts {
    std::uint32_t job_id = 0;
    std::uint32_t step_id = 0;
    std::uint32_t node_id = 0;  ///< of this node within the step
    std::uint32_t node_count = 1;
    bool batch = false;
    std::string pmix_directory;     ///< that Slurm's PMIx server keeps the step's files below
    std::string working_directory;  ///< where the job wants to be; may be missing on this node
    std::vector<std::string> argv;
    std::vector<std::string> environment;  ///< `NAME=value`
};

struct HostFacts {
    std::string kernel;        ///< uname -r
    std::string architecture;  ///< GOARCH value: `amd64`, `arm64`
    std::string libc;          ///< `glibc 2.36`
    std::string hostname;
    std::uint64_t memory_bytes = 0;
    User user;
    StepFacts step;
    std::vector<HostPath> pmi_directories;  ///< that the step's PMI server listens in
};

}  // namespace lading
