// SPDX-License-Identifier: BSD-3-Clause
/// What the compatibility engine is told: facts of the image, of the host's stacks, and the wish.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/formats/elf_index.hpp"
#include "lading/injection.hpp"
#include "lading/profile.hpp"

namespace lading::compat {

/// A library of the host's that a stack brings: its own, a module's, or one that these need.
struct StackLibrary {
    enum class Role {
        root,        ///< the profile names it
        module,      ///< in one of the profile's plugin directories, or a program: shown as it is
        dependency,  ///< one of the others needs it
    };
    Role role = Role::dependency;
    std::vector<std::string> names;  ///< sonames that it serves, its own first
    std::uint32_t file = 0;          ///< in the host's index
};

struct Stack {
    Profile profile;
    std::vector<StackLibrary> libraries;  ///< roots and modules first, then what they need
    std::string missing;                  ///< why this node cannot offer it, else empty
};

/// The host's own glibc family: soname and file.
struct HostLibc {
    std::string version;  ///< `2.36`
    HostPath loader;      ///< free of symbolic links
    std::map<std::string, std::uint32_t> family;
};

struct HostSide {
    const formats::ElfIndex* index = nullptr;
    std::vector<Stack> stacks;  ///< in the site's order of preference
    HostLibc libc;
    std::string architecture;  ///< GOARCH value
    unsigned isa_level = 0;    ///< x86-64-vN of this node's processor; 0: not known
    std::vector<std::string>
        pmi;  ///< what `srun --mpi` offers: `pmi2`, `pmix_v4`; empty: not known
};

/// What --container-inject asks for.
struct Wish {
    bool automatic = true;          ///< by labels and files
    std::set<std::string> demands;  ///< `mpi`, `gpu`: must work, or the step does not start
    bool none = false;
};

struct ImageSide {
    const formats::ElfIndex* index = nullptr;
    std::string reference;
    std::map<std::string, std::string> labels;
    std::string architecture;
    std::vector<std::string> library_path;  ///< LD_LIBRARY_PATH of the step, split
    std::vector<std::string> environment;   ///< `NVIDIA_…=value`, as the container will have it
    std::vector<std::string> shown;  ///< where the host's files lie over it; these are not known
    /// Programs that must run, as paths in the image; empty: whatever there is.
    std::vector<std::string> programs;
};

struct Question {
    ImageSide image;
    HostSide host;
    Wish wish;
};

/// Decides what the image gets.  Pure.
Injection plan_injection(const Question& question);

}  // namespace lading::compat
