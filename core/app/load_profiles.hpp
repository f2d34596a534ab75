// SPDX-License-Identifier: BSD-3-Clause
/// All stacks that containers on this node may be given, from the site's files and the vendors'.
#pragma once

#include <string>
#include <vector>

#include "lading/profile.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct ProfileSources {
    std::string directory = "/etc/lading/profiles.d";  ///< NAME.json
    /// CDI specifications: *.json, *.yaml, *.yml.  A device of a later directory replaces the one
    /// of an earlier; two files of one directory may not name the same.
    std::vector<std::string> cdi_directories = {"/etc/cdi", "/var/run/cdi"};
    /// Refuse files and directories that others than root may write.
    bool root_only = true;
};

/// In the order of the files' names, CDI devices last.  A directory that is not there holds
/// nothing; a file that cannot be read or is wrong, and a profile that comes `with` one that is not
/// there, is Code::site.
Result<std::vector<Profile>> load_profiles(const ProfileSources& sources);

}  // namespace lading::app
