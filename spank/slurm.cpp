// SPDX-License-Identifier: BSD-3-Clause
#include "spank/slurm.hpp"

#include <slurm/slurm.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace lading::spank {
namespace {

template <typename Value>
Value item(spank_t spank, spank_item which, Value fallback) {
    Value value = fallback;
    return spank_get_item(spank, which, &value) == ESPANK_SUCCESS ? value : fallback;
}

}  // namespace

Step read_step(spank_t spank) {
    Step step;
    step.uid = item<uid_t>(spank, S_JOB_UID, static_cast<uid_t>(-1));
    step.gid = item<gid_t>(spank, S_JOB_GID, static_cast<gid_t>(-1));
    gid_t* groups = nullptr;
    int count = 0;
    if (spank_get_item(spank, S_JOB_SUPPLEMENTARY_GIDS, &groups, &count) == ESPANK_SUCCESS) {
        step.groups.assign(groups, groups + count);
    }
    step.local_tasks = item<std::uint32_t>(spank, S_JOB_LOCAL_TASK_COUNT, 1);
    step.facts.job_id = item<std::uint32_t>(spank, S_JOB_ID, 0);
    step.facts.step_id = item<std::uint32_t>(spank, S_JOB_STEPID, 0);
    step.facts.node_id = item<std::uint32_t>(spank, S_JOB_NODEID, 0);
    // A batch step has no layout of its own and says 0: its script runs on one node.
    step.facts.node_count = std::max(item<std::uint32_t>(spank, S_JOB_NNODES, 1), 1U);
    step.facts.batch = step.facts.step_id == SLURM_BATCH_SCRIPT;
    char** arguments = nullptr;
    if (spank_get_item(spank, S_JOB_ARGV, &count, &arguments) == ESPANK_SUCCESS) {
        step.facts.argv.assign(arguments, arguments + count);
    }
    char** environment = nullptr;
    if (spank_get_item(spank, S_JOB_ENV, &environment) == ESPANK_SUCCESS && environment) {
        for (; *environment != nullptr; ++environment) {
            step.facts.environment.emplace_back(*environment);
        }
    }
    return step;
}

bool is_extern_step(spank_t spank) {
    return item<std::uint32_t>(spank, S_JOB_STEPID, 0) == SLURM_EXTERN_CONT;
}

std::optional<std::string> job_variable(spank_t spank, const char* name) {
    char** environment = nullptr;
    if (spank_get_item(spank, S_JOB_ENV, &environment) != ESPANK_SUCCESS || !environment) {
        return {};
    }
    // Not spank_getenv(): it wants the value's length beforehand.
    const std::size_t length = std::strlen(name);
    for (; *environment != nullptr; ++environment) {
        if (std::strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
            return *environment + length + 1;
        }
    }
    return {};
}

int local_task_id(spank_t spank) {
    return item<int>(spank, S_TASK_ID, 0);
}

std::string spool_directory() {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
        const int fd = std::atoi(entry.path().filename().c_str());
        int listens = 0;
        socklen_t size = sizeof listens;
        sockaddr_un address{};
        socklen_t length = sizeof address - 1;  // the path is ended by the zero that stays
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
            getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
            address.sun_family == AF_UNIX && address.sun_path[0] == '/') {
            return std::filesystem::path(address.sun_path).parent_path();
        }
    }
    return {};
}

std::string step_name(std::uint32_t step_id) {
    switch (step_id) {
        case SLURM_BATCH_SCRIPT:
            return "batch";
        case SLURM_INTERACTIVE_STEP:
            return "interactive";
        default:
            return std::to_string(step_id);
    }
}

}  // namespace lading::spank
