// SPDX-License-Identifier: BSD-3-Clause
/// Which libraries belong together, and what an MPI library's names say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lading::compat {

/// A file of glibc's own: they share GLIBC_PRIVATE and are exchanged together or not at all.
bool is_glibc(std::string_view soname);

/// The family of a communication library, whose members pass each other private structures and load
/// each other's modules, so that the host's come together wherever one is needed: `ucx`, `verbs`,
/// …; empty for all others.
///
/// An image's UCX passes every symbol check against the host's MPI and then ends with "UCP version
/// is incompatible, required: 1.13, actual: 1.10"; one half of each with a segmentation fault.
std::string_view stack_family(std::string_view soname);

/// `libmpi.so.12` → `libmpi`, `12`; empty for what has no version in its name.
struct SonameParts {
    std::string_view stem;
    std::string_view version;
};
SonameParts split_soname(std::string_view soname);

/// Is this the name of an MPI library, of any language's binding?
bool is_mpi_soname(std::string_view soname);

/// The flavour that a name alone tells: `openmpi` for libmpi.so.20 and later, `mpich` for
/// libmpich.so.N, `mpi-abi`; empty where the file itself must be asked (libmpi.so.12 was
/// Open MPI 1.10's, too).
std::string_view mpi_flavour_of_name(std::string_view soname);

/// `cuda`, `rocm`, `opencl`, `level-zero` for a library that programs of it need; else empty.
std::string_view gpu_of_soname(std::string_view soname);

/// The highest plain version among the definitions of glibc's files, `2.36`; empty where there is
/// none.  For messages alone: what a libc offers is the set of its definitions, file by file (the
/// libc.so.6 of 2.31 ends at GLIBC_2.30).
std::string glibc_version(const std::vector<std::string_view>& definitions);

/// For people: `Open MPI`, `MPICH`, `the MPI ABI`, `CUDA`, …
std::string_view title_of(std::string_view provides);

}  // namespace lading::compat
