// SPDX-License-Identifier: BSD-3-Clause
/// Included before everything else: the plugin is then built as for a Slurm that has no
/// `--container` of its own (before 21.08), which the releases of the test cluster all have.
#pragma once

#include <slurm/slurm.h>
#undef SLURM_VERSION_NUMBER
#define SLURM_VERSION_NUMBER SLURM_VERSION_NUM(20, 11, 9)
