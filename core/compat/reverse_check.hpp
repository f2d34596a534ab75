// SPDX-License-Identifier: BSD-3-Clause
/// The backward half of the decision: does everything in the image that used a replaced library
/// still resolve?
#pragma once

#include <string>
#include <vector>

#include "core/compat/selection.hpp"

namespace lading::compat {

/// A file of the image's that would no longer load, or not work.
struct Broken {
    std::uint32_t file = 0;
    std::string why;      ///< with symbol or version, and who lacks it
    std::string library;  ///< soname of the replaced library; `glibc`
};

/// Users of the replaced libraries that would break.
std::vector<Broken> check_users(const Question& question, const Loader& loader,
                                const Selection& selection);

/// Files of the image's that need more of glibc than the host's has.
std::vector<Broken> check_glibc_users(const Question& question, const Selection& selection);

}  // namespace lading::compat
