// SPDX-License-Identifier: BSD-3-Clause
// The front door of Slurm: what happens at each hook, in the order of a job's life.
//
// A hook that fails in slurmstepd before the tasks start can drain the node.  So nothing here
// fails there: trouble is kept in the Session and ends the task itself, with the user's message.
#include "spank/plugin.hpp"

#include <algorithm>
#include <string_view>

namespace lading::spank {

Plugin& plugin() {
    static Plugin* const instance = new Plugin;
    return *instance;
}

void say(const Error& message) noexcept {
    // Slurm's log functions cut at a line's end, and srun puts its name before each call's text.
    for (std::string_view text : {std::string_view(message.what), std::string_view(message.hint)}) {
        while (!text.empty()) {
            const std::string_view line = text.substr(0, text.find('\n'));
            slurm_error("lading: %.*s", static_cast<int>(line.size()), line.data());
            text.remove_prefix(std::min(text.size(), line.size() + 1));
        }
    }
}

static bool in_client() {
    return spank_context() == S_CTX_LOCAL || spank_context() == S_CTX_ALLOCATOR;
}

}  // namespace lading::spank

using lading::Result;
using lading::spank::contained;
using lading::spank::guarded;
using lading::spank::in_client;
using lading::spank::Plugin;
using lading::spank::remembered;
using lading::spank::Session;

#define LADING_EXPORT __attribute__((visibility("default")))

extern "C" {

// SPANK_PLUGIN() would give these internal linkage in C++, where Slurm's loader misses them.
LADING_EXPORT extern const char plugin_name[] = "lading";
LADING_EXPORT extern const char plugin_type[] = "spank";
LADING_EXPORT extern const unsigned int plugin_version = SLURM_VERSION_NUMBER;
LADING_EXPORT extern const unsigned int spank_plugin_version = 1;

LADING_EXPORT int slurm_spank_init(spank_t spank, int, char**) {
    const spank_context_t context = spank_context();
    if (context == S_CTX_SLURMD || context == S_CTX_JOB_SCRIPT) {
        return 0;
    }
    const auto initialise = [&](Plugin& p) -> Result<> {
        if (in_client()) {
            p.options.set_aside_inherited(context == S_CTX_LOCAL);
        }
        return p.options.register_all(spank);
    };
    return in_client() ? guarded("init", initialise) : remembered("init", initialise);
}

LADING_EXPORT int slurm_spank_init_post_opt(spank_t spank, int count, char** values) {
    if (in_client()) {
        return guarded("init_post_opt", [&](Plugin& p) -> Result<> {
            return p.options.export_request(TRY(lading::spank::parse_arguments(count, values)));
        });
    }
    return remembered("init_post_opt", [&](Plugin& p) -> Result<> {
        if (spank_context() == S_CTX_REMOTE && !lading::spank::is_extern_step(spank) &&
            Session::wanted(spank)) {
            p.session = std::make_unique<Session>(spank, count, values);
        }
        return {};
    });
}

LADING_EXPORT int slurm_spank_user_init(spank_t spank, int, char**) {
    return remembered("user_init", [&](Plugin& p) -> Result<> {
        if (p.session) {
            p.session->collect(spank);
        }
        return {};
    });
}

LADING_EXPORT int slurm_spank_task_init_privileged(spank_t, int, char**) {
    return remembered("task_init_privileged", [](Plugin& p) -> Result<> {
        if (p.session) {
            p.session->keep_capabilities();
        }
        return {};
    });
}

LADING_EXPORT int slurm_spank_task_init(spank_t spank, int, char**) {
    // Never on the bare host instead: who asked for a container gets it or nothing.
    const lading::Error broken{lading::Code::internal, "lading failed on this node",
                               "the reason is in the node's slurmd log"};
    remembered("task_init", [&](Plugin& p) -> Result<> {
        if (p.broken && (p.session || Session::wanted(spank))) {
            lading::spank::refuse_task(spank, broken);
        }
        if (p.session &&
            !contained("task_init", [&](Plugin&) { return p.session->enter(spank); })) {
            lading::spank::refuse_task(spank, broken);
        }
        return {};
    });
    return 0;
}

LADING_EXPORT int slurm_spank_task_post_fork(spank_t, int, char**) {
    return remembered("task_post_fork", [](Plugin& p) -> Result<> {
        if (p.session) {
            p.session->on_forked_task();
        }
        return {};
    });
}

LADING_EXPORT int slurm_spank_exit(spank_t, int, char**) {
    return remembered("exit", [](Plugin& p) -> Result<> {
        if (p.session) {
            p.session->finish_report();
            p.session.reset();
        }
        return {};
    });
}

}  // extern "C"
