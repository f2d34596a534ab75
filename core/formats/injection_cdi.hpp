// SPDX-License-Identifier: BSD-3-Clause
/// What an image gets of its host's libraries, as a CDI specification: for runtimes that know
/// nothing of lading.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/cdi.hpp"
#include "lading/injection.hpp"

namespace lading::formats {

/// What a specification says beside the injection itself.
struct CdiSurroundings {
    std::string device;              ///< its name
    std::vector<HostPath> nodes;     ///< the profiles' devices
    std::set<HostPath> directories;  ///< of the injection's mounts: which are no files
    HostPath loader;                 ///< the host's ld.so, redirected; where its glibc is used
    HostPath loader_cache;           ///< and what it reads
};

/// One device of kind kOwnCdiKind.  Version 0.5.0, the newest that Podman 4.3 (Debian 12) reads.
/// The same bytes for the same injection.
CdiSpec cdi_of(const Injection& injection, const CdiSurroundings& around);

/// Is it what the specification allows as a device's name: `atse-1.2.4`?
bool is_cdi_device_name(std::string_view name);

/// The device's name for an image: `atse-1.2.4` of `atse:1.2.4`, of a path its last part.
std::string cdi_device_name(std::string_view image);

}  // namespace lading::formats
