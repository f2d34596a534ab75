// SPDX-License-Identifier: BSD-3-Clause
/// The options of srun, sbatch and salloc, and how a request travels to the nodes.
///
/// Slurm 21.08 and later have `--container` themselves and hand its text on in SLURM_CONTAINER;
/// the whole request goes beside it in SLURM_LADING.  Both names begin with SLURM, so that they
/// pass --export=NONE in every release.
#pragma once

#include <optional>
#include <string>

#include "lading/request.hpp"
#include "spank/session.hpp"
#include "spank/slurm.hpp"

namespace lading::spank {

inline constexpr const char* kContainerVariable = "SLURM_CONTAINER";
inline constexpr const char* kRequestVariable = "SLURM_LADING";
/// srun's documented input variable for --container (srun(1)).
inline constexpr const char* kDefaultVariable = "SRUN_CONTAINER";

/// What the command line and the environment of srun, sbatch or salloc say.  One per process.
class Options {
  public:
    /// Registers the options with Slurm; --container itself only where this Slurm has none.
    /// Needed in every context, slurmstepd's too, or Slurm refuses what the client sent.
    Result<> register_all(spank_t spank);

    /// Sets aside what the environment inherited, so that SLURM_CONTAINER afterwards holds only
    /// what Slurm itself was told.  In srun within a job the job's container becomes the default.
    void set_aside_inherited(bool srun);

    /// Takes one option as the user gave it.  May be called twice for the same one (before 24.05).
    Result<> take(int option, const char* argument);

    /// Puts the request together and exports it for the nodes, with the image by its digest.
    Result<> export_request(const Arguments& arguments);

  private:
    Result<> merge_into(Request& request) const;

    std::optional<std::string> inherited_container_;
    std::optional<std::string> inherited_request_;
    bool lent_default_ = false;  ///< SRUN_CONTAINER was set here and must not reach the step

    std::optional<std::string> container_;  ///< --container (old Slurm) or --container-image
    std::vector<std::string> mounts_;
    std::optional<std::string> workdir_;
    std::vector<std::string> environment_;
    std::optional<bool> writable_;
    std::optional<bool> mount_home_;
    std::optional<std::string> unshare_;
    std::optional<std::string> inject_;
    std::optional<std::string> on_mismatch_;
    std::vector<std::string> labels_;
};

/// Does Slurm's own OCI support own `--container` here?  Then lading stays out.
bool slurm_has_oci_support();

}  // namespace lading::spank
