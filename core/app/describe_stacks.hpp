// SPDX-License-Identifier: BSD-3-Clause
/// From what lies on a host to profiles: which files belong together, what they load by name and
/// where from.  Decided by what the files say, never by their names alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/app/host_files.hpp"
#include "lading/profile.hpp"

namespace lading::app {

/// The MPIs, fabrics and PMIx of each place, then the GPU stacks of the loader's (the first place).
/// Names are unique; a place of a prefix gives its name to what is found there.
std::vector<Profile> describe_stacks(const HostFiles& host,
                                     const std::vector<LibraryPlace>& places);

/// One place, with what its descriptions share.
class Surveyor {
  public:
    Surveyor(const HostFiles& host, const LibraryPlace& place) : host_(host), place_(place) {}

    const HostFiles& host() const { return host_; }
    const LibraryPlace& place() const { return place_; }

    /// Of a library by its file name; empty where the place has none.
    std::string find(const std::string& name) const;

    /// The library with every other soname that leads to the same file beside it, and `also`.
    ProfileLibrary describe(const std::string& path, const std::vector<std::string>& also) const;

    /// Adds those of `names` that the place has.
    void add_libraries(Profile& profile, const std::vector<std::string>& names) const;

    /// Adds the first of `candidates` that holds a file whose name begins so.
    void add_plugins(Profile& profile, const std::vector<std::string>& candidates,
                     std::string_view beginning) const;

    /// Adds those of `paths` that are there.  Left out on a node that lacks them.
    void add_data(Profile& profile, const std::vector<std::string>& paths) const;

    /// Adds those of a directory of /dev whose names begin so.
    void add_devices(Profile& profile, const std::string& directory,
                     const std::vector<std::string>& beginnings) const;

  private:
    const HostFiles& host_;
    const LibraryPlace& place_;
};

/// describe_mpis.cpp
std::vector<Profile> describe_mpis(const Surveyor& survey);

/// describe_fabrics.cpp: UCX, libfabric, verbs, PMIx
std::vector<Profile> describe_fabrics(const Surveyor& survey);

/// describe_gpus.cpp: CUDA, ROCm, OpenCL
std::vector<Profile> describe_gpus(const Surveyor& survey);

/// The part of a path before its last `/`.
std::string directory_of(const std::string& path);

/// And after.
std::string name_of(const std::string& path);

}  // namespace lading::app
