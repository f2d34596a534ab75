// SPDX-License-Identifier: BSD-3-Clause
/// Findings in words: what the image wants, what this host offers, and why.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/compat/attempt.hpp"

namespace lading::compat {

std::string describe_wish(const Question& question, const Need& need);
std::string describe_offer(const Question& question, const Attempt& tried);
std::string speed_of(const Selection& selection, StackKind kind);

/// For a need that the site has no stack for: TRANSLATE or MISSING.
Finding finding_without_attempt(const Question& question, const Need& need);

/// Nothing where no fabric comes along.
std::optional<Finding> describe_fabric(const Question& question, const Selection& selection);

/// How the ranks of the image's MPI find each other; nothing where the host's Slurm is not known.
std::optional<Finding> describe_pmi(const Question& question, const std::vector<Need>& needs,
                                    const std::vector<const Stack*>& stacks);

Finding describe_libc(const Question& question, const Injection& injection, const std::string& own);

/// No illegal instruction an hour into the queue.
Finding check_cpu(const Question& question, const Loader& loader, const Subject& subject);
/// Of the image, and of the job's programs.
std::optional<Finding> check_architecture(const Question& question, const Subject& subject);

}  // namespace lading::compat
