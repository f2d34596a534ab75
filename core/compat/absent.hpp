// SPDX-License-Identifier: BSD-3-Clause
/// A program whose library nobody has: it would not start, with the host's libraries or without.
#pragma once

#include <optional>

#include "core/compat/needs.hpp"
#include "core/compat/selection.hpp"

namespace lading::compat {

/// The first library that the job's programs need and would not find, once the selection's are in
/// place.  Those of an MPI or GPU have findings of their own.  Nothing where it cannot be told: a
/// loader of another kind, or directories of the host's among those that are searched.
std::optional<Finding> find_absent(const Question& question, const Loader& loader,
                                   const Subject& subject, const Selection& selection);

}  // namespace lading::compat
