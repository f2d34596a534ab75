// SPDX-License-Identifier: BSD-3-Clause
/// The plugin's state, one per process, and the rule for its hooks.
#pragma once

#include <exception>
#include <memory>

#include "spank/options.hpp"
#include "spank/session.hpp"

namespace lading::spank {

struct Plugin {
    Options options;
    std::unique_ptr<Session> session;  ///< in slurmstepd, for a step in a container
    bool broken = false;               ///< a hook failed before there was a session to remember it
};

/// Lives until the process ends: a task's process must not run its destructors.
Plugin& plugin();

/// Tells it to whoever reads this process: the user of srun, sbatch and salloc, or the node's log
/// in slurmstepd.
void say(const Error& message) noexcept;

/// Runs a hook so that neither exception nor error leaves it.  False where it failed.
template <typename Hook>
bool contained(const char* name, const Hook& hook) noexcept {
    try {
        const Result<> result = hook(plugin());
        if (!result) {
            say(result.error());
        }
        return result.has_value();
    } catch (const std::exception& exception) {
        slurm_error("lading: %s: %s", name, exception.what());
    } catch (...) {
        slurm_error("lading: %s: unknown exception", name);
    }
    return false;
}

/// For the hooks of srun, sbatch and salloc: a failure is a negative number, the only one that
/// every Slurm release takes for one, and ends the command before there is a job.
template <typename Hook>
int guarded(const char* name, const Hook& hook) noexcept {
    return contained(name, hook) ? 0 : -1;
}

/// For the hooks of slurmstepd: they never fail, since that may drain the node; the tasks are
/// refused instead.
template <typename Hook>
int remembered(const char* name, const Hook& hook) noexcept {
    if (!contained(name, hook)) {
        plugin().broken = true;
    }
    return 0;
}

}  // namespace lading::spank
