// SPDX-License-Identifier: BSD-3-Clause
/// A Slurm that is only what a client's plugin asks of it: options, contexts, messages.
#pragma once

#include <string>
#include <vector>

#include "spank/slurm.hpp"

namespace test {

/// One at a time: Slurm's functions have no state of their own to find it by.
class FakeHost {
  public:
    explicit FakeHost(spank_context_t context);
    ~FakeHost();

    /// Gives the option to the plugin as Slurm does; the callback's result.
    int give(const std::string& option, const char* argument);

    bool has_option(const std::string& name) const;

    spank_context_t context;
    std::vector<spank_option> options;
    std::string messages;  ///< what the plugin logged, a line each
};

}  // namespace test

// The plugin's hooks, as Slurm calls them.
extern "C" {
int slurm_spank_init(spank_t spank, int count, char** values);
int slurm_spank_init_post_opt(spank_t spank, int count, char** values);
}
