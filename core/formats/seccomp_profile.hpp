// SPDX-License-Identifier: BSD-3-Clause
/// Seccomp profiles in the form of the OCI runtime specification 1.1 (config-linux.md, "Seccomp"),
/// which Docker and Podman read as well.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

enum class SeccompAction { allow, fail, kill_process, log };
enum class SeccompCompare {
    not_equal,
    less,
    less_equal,
    equal,
    greater_equal,
    greater,
    masked_equal
};

struct SeccompArgument {
    unsigned index = 0;
    SeccompCompare compare = SeccompCompare::equal;
    std::uint64_t value = 0;      ///< the mask, for masked_equal
    std::uint64_t value_two = 0;  ///< what the masked argument must be, for masked_equal
};

struct SeccompRule {
    std::vector<std::string> names;
    SeccompAction action = SeccompAction::allow;
    int error = 1;  ///< errno for SeccompAction::fail; EPERM unless the profile says otherwise
    std::vector<SeccompArgument> arguments;
};

struct SeccompProfile {
    SeccompAction default_action = SeccompAction::allow;
    int default_error = 1;
    std::vector<SeccompRule> rules;
    /// Are programs of the machine's other architectures (32-bit ones) ended at their first call,
    /// instead of filtered by the same rules?
    bool native_only = false;
};

/// The profile of tasks whose site names none: see docs/security.md for each entry's reason.
SeccompProfile default_seccomp_profile();

/// What the process that reads an image on the user's behalf may do: read files and answer.
SeccompProfile reader_seccomp_profile();

/// Reads a profile.  Rules of Docker's extended form that ask for a capability are left out, since
/// a task holds none.  Errors (Code::site) name `file` and the JSON path.
Result<SeccompProfile> parse_seccomp_profile(std::string_view json, std::string_view file);

}  // namespace lading::formats
