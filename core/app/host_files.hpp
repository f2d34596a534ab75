// SPDX-License-Identifier: BSD-3-Clause
/// What the description of a host's stacks asks of the host.  Tests answer from a table.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lading/result.hpp"

namespace lading::app {

/// What one library file says of itself.
struct LibraryFacts {
    std::string soname;
    std::vector<std::string> needed;
    bool open_mpi = false;  ///< has or asks for ompi_mpi_comm_world
    bool mpi = false;       ///< exports MPI_Init
};

class HostFiles {
  public:
    virtual ~HostFiles() = default;
    /// Names in a directory, sorted; none where it is no directory or cannot be read.
    virtual std::vector<std::string> list(const std::string& directory) const = 0;
    virtual bool exists(const std::string& path) const = 0;
    /// The same file by the path that has no symbolic link in it; empty where there is none.
    virtual std::string resolve(const std::string& path) const = 0;
    /// A small text file; empty where there is none.
    virtual std::string text(const std::string& path) const = 0;
    /// Nothing where it is no library of this host's architecture.
    virtual std::optional<LibraryFacts> library(const std::string& path) const = 0;
    /// Texts in a library that look like paths: compiled-in directories, and their templates
    /// (`${libdir}/openmpi`).
    virtual std::vector<std::string> path_words(const std::string& path) const = 0;
};

/// Where libraries are looked for: the loader's own places, or below a directory of the site's.
struct LibraryPlace {
    std::string prefix;                        ///< empty: the loader's
    std::map<std::string, std::string> paths;  ///< file name: `libmpi.so.40` to its path
};

/// This machine.
std::unique_ptr<HostFiles> make_host_files(const std::string& architecture);

/// What /etc/ld.so.cache names.
Result<LibraryPlace> system_place(const HostFiles& host, const std::string& architecture);

/// What lies in the library directories of a prefix.
Result<LibraryPlace> prefix_place(const HostFiles& host, const std::string& prefix);

}  // namespace lading::app
