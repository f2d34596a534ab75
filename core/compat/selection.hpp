// SPDX-License-Identifier: BSD-3-Clause
/// Keep or inject, soname by soname: the forward half of the decision.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/compat/loader.hpp"
#include "core/compat/question.hpp"

namespace lading::compat {

/// A library that a host's stack needs, and whose copy it will find in the container.
struct Selected {
    bool inject = false;
    std::uint32_t host_file = 0;
    std::vector<std::string> names;       ///< sonames that it serves
    std::vector<std::uint32_t> replaces;  ///< the image's copies that are covered
    std::uint32_t kept = 0;               ///< the image's copy that serves, where it does
    bool belongs = false;                 ///< a root or one of its family: travels with the stack
    std::string reason;
};

/// A version of the image's glibc that an injected file asks for in vain.
struct MissingVersion {
    std::string by;       ///< soname or file that needs it
    std::string of;       ///< `libc.so.6`
    std::string version;  ///< `GLIBC_2.34`
};

struct Selection {
    std::map<std::string, Selected> libraries;  ///< by first name
    std::vector<std::uint32_t> importers;       ///< host files that will run in the container
    std::vector<MissingVersion> missing_glibc;
    std::vector<std::string> covered;  ///< paths in the image where the stacks show their own
};

/// Is this a file of the image's that nobody sees any more?
bool is_covered(const Selection& selection, std::string_view path);

/// Who will load the libraries: where these look, copies of the image's own get in the way.
struct Searchers {
    std::vector<std::uint32_t> files;      ///< the image's users of the stacks
    std::vector<std::string> directories;  ///< of their RPATHs, which what they load inherits
};

/// What of the stacks' libraries comes along.
Selection select_libraries(const Question& question, const Loader& image,
                           const std::vector<const Stack*>& stacks, const Searchers& searchers);

/// Every copy of these names in the image, of its architecture.
std::vector<std::uint32_t> all_copies(const ImageSide& image, const std::string& architecture,
                                      const std::vector<std::string>& names);

}  // namespace lading::compat
