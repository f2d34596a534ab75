// SPDX-License-Identifier: BSD-3-Clause
/// What an image asks of NVIDIA's driver by its environment (NVIDIA_REQUIRE_CUDA and its like), and
/// what it brings of one itself.
///
/// Source: "Specialized Configurations with Docker" of the NVIDIA Container Toolkit's documentation
/// (Constraints), and the toolkit's internal/requirements: a space means OR, a comma AND, several
/// variables AND; what it does not know is passed over.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/compat/attempt.hpp"

namespace lading::compat {

/// `535.104.05` of `/usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05`; empty where the name has no
/// such number.
std::string_view driver_version(std::string_view path);

/// The newest CUDA that a driver runs without its forward-compatibility package: `12.2` of
/// `535.104.05`.  Empty for drivers before CUDA 7.0.
std::string_view cuda_of_driver(std::string_view driver);

struct UnmetRequirement {
    std::string variable;  ///< `NVIDIA_REQUIRE_CUDA`
    std::string value;     ///< `cuda>=12.9`
    bool operator==(const UnmetRequirement&) const = default;
};

/// The first of the image's requirements (`NAME=value`) that this driver does not meet.  Only
/// `cuda` and `driver` are looked at; with NVIDIA_DISABLE_REQUIRE set to a true value, nothing is.
std::optional<UnmetRequirement> unmet_requirement(const std::vector<std::string>& environment,
                                                  std::string_view driver);

/// Fills in what this means for the image's need of CUDA, once a stack of it has been found good.
/// `relied_on`: the job does not start where the driver is not what the image asks for.
void judge_nvidia_driver(const Question& question, const Attempt& tried, bool relied_on,
                         Finding& finding);

}  // namespace lading::compat
