// SPDX-License-Identifier: BSD-3-Clause
/// What the image wants of its host: labels declare, files prove.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/compat/loader.hpp"
#include "core/compat/question.hpp"

namespace lading::compat {

/// The programs of a job, and all that they load at their start.
struct Subject {
    std::vector<std::uint32_t> programs;
    std::vector<std::uint32_t> files;  ///< the programs and their libraries
    bool any_static = false;
    std::string modules;    ///< part of the paths of its interpreter's modules: `/python`
    bool scripted = false;  ///< an interpreter loads who knows what later
};
Subject find_subject(const ImageSide& image, const Loader& loader);

/// One stack that the image wants.
struct Need {
    StackKind kind = StackKind::mpi;
    std::string provides;                  ///< `mpich`, `cuda`; as in Profile
    std::vector<std::uint32_t> providers;  ///< the image's own libraries of it
    std::vector<std::uint32_t> users;      ///< image files that need one of them by name
    std::vector<std::string> sonames;      ///< that users ask for or providers have
    bool declared = false;                 ///< by label
    bool direct = false;                   ///< the subject loads it at its start
    std::string contradiction;             ///< what the label says and the files deny
};

/// Needs in the order in which they are shown: MPI first.  With a subject that loads an MPI by
/// itself only that one counts; a script may load any.
std::vector<Need> find_needs(const ImageSide& image, const std::string& architecture,
                             const Subject& subject);

}  // namespace lading::compat
