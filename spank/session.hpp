// SPDX-License-Identifier: BSD-3-Clause
/// A step in a container, as slurmstepd sees it on one node.
///
/// Everything that parses or mounts happens in a helper process (lading-step), started here and
/// gone before the tasks are: slurmstepd itself only passes on what Slurm said, keeps two
/// descriptors for its tasks, and changes their environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/sys/child.hpp"
#include "core/sys/task_entry.hpp"
#include "spank/slurm.hpp"

namespace lading::spank {

/// plugstack.conf: `required spank_lading.so [config=PATH] [helpers=DIRECTORY]`
struct Arguments {
    std::string config = LADING_CONFIG_FILE;
    std::string helpers = LADING_LIBEXEC_DIR;
};
Result<Arguments> parse_arguments(int count, char** values);

/// Exit status of a task whose container could not be made; podman(1) and docker(1) use the same.
inline constexpr int kExitStatus = 125;

/// Ends the task that runs this, with the reason on the user's stderr.
[[noreturn]] void refuse_task(spank_t spank, const Error& error) noexcept;

class Session {
  public:
    /// Does this step ask for a container?  Looks at the job's environment and opens no file.
    static bool wanted(spank_t spank);

    /// init_post_opt: starts the helper, which then works while slurmstepd prepares the step, and
    /// on the first node the report, which makes itself ready.
    Session(spank_t spank, int argument_count, char** arguments);

    /// user_init: waits for the container and prepares the tasks' environment.
    void collect(spank_t spank);

    /// task_init_privileged and task_init: the task's way in.  An error ends the task with its
    /// message on the user's stderr and kExitStatus, and nothing else: see docs/slurm.md for what
    /// Slurm makes of a hook that fails.
    void keep_capabilities();
    Result<> enter(spank_t spank);

    /// task_post_fork: lets the helper go; when the last task is on its way, the first node's
    /// record is sent.
    void on_forked_task();

    /// exit: the report is given a bounded time to end.
    void finish_report();

  private:
    Result<> start_helper(spank_t spank, int argument_count, char** arguments);
    Result<> receive_container(spank_t spank);
    Result<> enter_container(spank_t spank);
    void release_helper();
    Result<> start_report();
    Result<> send_record();
    void log_undelivered(const std::string& reason) const;

    Arguments arguments_;
    Step step_;
    sys::Fd socket_;
    std::optional<sys::Child> helper_;
    std::optional<Error> error_;
    sys::Container container_;
    std::vector<std::string> words_;  ///< for the user, of the first task of each node
    std::string record_;
    std::uint32_t forked_ = 0;
    bool record_sent_ = false;
    sys::Fd report_end_;
    std::optional<sys::Child> report_;
};

}  // namespace lading::spank
