// SPDX-License-Identifier: BSD-3-Clause
/// What an image's ELF files say about it as a whole, without a host to compare them with.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/compat/question.hpp"

namespace lading::compat {

/// A stack of libraries that the image has, or that its programs need.
struct StackUse {
    std::string provides;                ///< `mpich`, `openmpi`, `cuda`, …
    std::vector<std::string> libraries;  ///< the image's own
    std::uint32_t users = 0;             ///< files that need one of them by name
    bool operator==(const StackUse&) const = default;
};

struct ElfSummary {
    std::uint32_t files = 0;
    std::map<std::string, std::uint32_t> architectures;  ///< GOARCH value, and how many files
    std::vector<StackUse> stacks;                        ///< MPI first
    std::string libc;        ///< `glibc 2.36`, by all of its files; empty where it is no glibc
    unsigned isa_level = 0;  ///< x86-64-vN that a file says it needs; 0 and 1: any x86-64
    std::string isa_file;    ///< one that says so
    bool operator==(const ElfSummary&) const = default;
};

ElfSummary summarise(const formats::ElfIndex& index, const std::string& architecture);

}  // namespace lading::compat
