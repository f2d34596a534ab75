// SPDX-License-Identifier: BSD-3-Clause
/// A site profile: one stack of the host's (an MPI, a fabric, a GPU driver) that containers may be
/// given, as an administrator describes it in profiles.d/NAME.json (lading-profile.json(5)), or a
/// vendor in a CDI specification.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lading/path.hpp"
#include "lading/result.hpp"

namespace lading {

enum class StackKind { mpi, fabric, gpu };

/// A library that containers get by right of the profile itself; what it needs in turn is found in
/// the files.
struct ProfileLibrary {
    HostPath path;
    std::vector<std::string> names;  ///< further sonames that it serves: `libmpi.so.12`
    bool operator==(const ProfileLibrary&) const = default;
};

/// A file or directory that containers see, read-only: modules that the libraries load, their data.
struct ProfileMount {
    HostPath source;
    GuestPath target;
    bool required = true;  ///< a source that this node lacks is an error; otherwise it is left out
    bool operator==(const ProfileMount&) const = default;
};

struct Profile {
    std::string name;  ///< the file's name without `.json`, or the CDI device's qualified name
    std::string file;  ///< that it was read from, for messages
    StackKind kind = StackKind::mpi;
    /// Of an MPI: `mpich`, `openmpi`, `mpi-abi`; of a GPU: `cuda`, `rocm`, `opencl`, `level-zero`;
    /// of a fabric: any word, `ucx`.
    std::string provides;
    int priority = 0;  ///< the highest wins among several that provide the same
    std::vector<ProfileLibrary> libraries;
    std::vector<ProfileMount> plugins;  ///< directories whose libraries are loaded by name
    std::vector<ProfileMount> data;     ///< files and directories without libraries
    std::vector<HostPath> devices;      ///< nodes below /dev that must be there for it to work
    std::map<std::string, std::string> environment;  ///< set in the container
    std::vector<HostPath> programs;                  ///< shown at the same path: nvidia-smi
    std::vector<std::string> with;  ///< names of profiles that come along with this one
    bool operator==(const Profile&) const = default;
};

/// Reads a profile; comments are allowed, unknown keys are refused with the nearest known one, and
/// errors name the file and the JSON path.  Code::site.
Result<Profile> parse_profile(std::string_view json, std::string_view name, std::string_view file);

/// The profile's JSON, indented, in the order of lading-profile.json(5): what
/// `lading profile detect` prints.
std::string format_profile(const Profile& profile);

}  // namespace lading
