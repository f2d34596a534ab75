// SPDX-License-Identifier: BSD-3-Clause
/// What giving certain stacks to the image would mean.
#pragma once

#include <string>
#include <vector>

#include "core/compat/needs.hpp"
#include "core/compat/reverse_check.hpp"
#include "core/compat/selection.hpp"

namespace lading::compat {

struct Attempt {
    std::vector<const Stack*> stacks;  ///< the chosen one first, then those that belong with it
    Selection selection;
    std::vector<Broken> broken;
    bool needs_glibc = false;
    Verdict verdict = Verdict::ok;
    std::string reason;
    std::string remedy;
    std::string note;  ///< as Finding's
};

/// Tries one stack, with those that its profile names, for one need of the image's (nothing: by
/// demand alone).
Attempt attempt(const Question& question, const Loader& loader, const Subject& subject,
                const Need& need, const Stack& stack);

/// These files, and where they look before the system's directories.
Searchers find_searchers(const Question& question, const Loader& loader,
                         std::vector<std::uint32_t> files);

}  // namespace lading::compat
