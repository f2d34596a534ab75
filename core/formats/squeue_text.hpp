// SPDX-License-Identifier: BSD-3-Clause
/// What squeue prints of jobs.  Slurm 22.05, 24.11 and 26.05 have these fields alike; `--json`
/// needs plugins that Debian does not ship.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

struct QueuedJob {
    std::string id;  ///< `12`, `12_[1-5]`, `12+1`
    std::string user;
    std::string state;
    std::optional<std::int64_t> submitted;  ///< seconds since 1970; none where Slurm says none
    std::uint64_t restarts = 0;
    std::string container;  ///< as the user wrote it; empty: none
    std::string admin_comment;
    bool operator==(const QueuedJob&) const = default;
};

/// For squeue's --Format; the field's width is unbounded where a text stands behind the colon.
std::string squeue_format(std::string_view delimiter);

/// Reads what `TZ=UTC squeue --noheader --Format=…` prints.
Result<std::vector<QueuedJob>> parse_squeue(std::string_view text, std::string_view delimiter);

/// Has the job ended for good?  Unknown words mean that it has not.
bool has_ended(std::string_view state);

/// What `scontrol show config` says.
struct SlurmPrivacy {
    bool jobs_hidden = false;  ///< users see no jobs but their own
    std::string slurm_user;    ///< `slurm(64030)`
};
SlurmPrivacy parse_slurm_privacy(std::string_view config);

}  // namespace lading::formats
