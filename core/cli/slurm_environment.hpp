// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace lading::cli {

/// What Slurm's tools get of the caller's environment: their own settings would change what they
/// print.  `configuration`: of another cluster than the caller's.
inline std::vector<std::string> slurm_environment(const std::string& configuration = {}) {
    std::vector<std::string> environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"};
    for (const char* const name : {"SLURM_CONF", "TZ"}) {
        if (const char* const value = std::getenv(name)) {
            environment.push_back(fmt::format("{}={}", name, value));
        }
    }
    if (!configuration.empty()) {
        std::erase_if(environment,
                      [](const std::string& entry) { return entry.starts_with("SLURM_CONF="); });
        environment.push_back("SLURM_CONF=" + configuration);
    }
    return environment;
}

}  // namespace lading::cli
