// SPDX-License-Identifier: BSD-3-Clause
/// Container Device Interface specifications, 0.3.0 to 1.1.0: what vendors say that a container
/// needs for a device.  Source: github.com/cncf-tags/container-device-interface, SPEC.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lading/profile.hpp"
#include "lading/result.hpp"

namespace lading::formats {

/// Of what `lading cdi` writes.
inline constexpr std::string_view kOwnCdiKind = "lading/image";

struct CdiDeviceNode {
    std::string path;       ///< in the container
    std::string host_path;  ///< empty: the same
    std::string type;       ///< `c`, `b`, `u`, `p`; empty: as on the host
    std::optional<std::uint64_t> major;
    std::optional<std::uint64_t> minor;
    std::optional<std::uint64_t> file_mode;
    std::string permissions;  ///< of `r`, `w`, `m`
    std::optional<std::uint64_t> uid;
    std::optional<std::uint64_t> gid;
    bool operator==(const CdiDeviceNode&) const = default;
};

struct CdiMount {
    std::string host_path;
    std::string container_path;
    std::string type;  ///< empty, `none` or `bind`: a bind mount
    std::vector<std::string> options;
    bool operator==(const CdiMount&) const = default;
};

/// A program that a runtime would run as root.  lading runs none.
struct CdiHook {
    std::string name;  ///< `createContainer`
    std::string path;
    std::vector<std::string> args;  ///< with argv[0]
    std::vector<std::string> env;
    std::optional<std::uint64_t> timeout;  ///< seconds
    bool operator==(const CdiHook&) const = default;
};

struct CdiNetDevice {
    std::string host_interface_name;
    std::string name;
    bool operator==(const CdiNetDevice&) const = default;
};

struct CdiIntelRdt {
    std::string clos_id;
    std::string l3_cache_schema;
    std::string mem_bw_schema;
    std::vector<std::string> schemata;
    bool enable_monitoring = false;
    bool enable_cmt = false;  ///< before 1.1.0
    bool enable_mbm = false;  ///< likewise
    bool operator==(const CdiIntelRdt&) const = default;
};

struct CdiEdits {
    std::vector<std::string> env;  ///< `NAME=VALUE`
    std::vector<CdiDeviceNode> device_nodes;
    std::vector<CdiMount> mounts;
    std::vector<CdiHook> hooks;
    std::vector<std::uint64_t> additional_gids;
    std::optional<CdiIntelRdt> intel_rdt;
    std::vector<CdiNetDevice> net_devices;
    bool operator==(const CdiEdits&) const = default;
};

struct CdiDevice {
    std::string name;  ///< `0`, `all`
    std::map<std::string, std::string> annotations;
    CdiEdits edits;
    bool operator==(const CdiDevice&) const = default;
};

struct CdiSpec {
    std::string version = "0.3.0";
    std::string kind;  ///< `nvidia.com/gpu`
    std::map<std::string, std::string> annotations;
    CdiEdits edits;  ///< made for each of the devices
    std::vector<CdiDevice> devices;
    bool operator==(const CdiSpec&) const = default;
};

/// Reads a specification: JSON where the file's name ends in `.json`, else YAML.  Unknown fields
/// are errors, as are fields that its version does not have yet (both as the specification asks).
/// Code::site; errors name the file and the JSON path.
Result<CdiSpec> parse_cdi(std::string_view text, std::string_view file);

/// The specification's JSON, indented; the same bytes for the same value.
std::string format_cdi(const CdiSpec& spec);

/// One profile for each device, named `vendor/class=device`, with the edits of the whole
/// specification in it.
///
/// Libraries are told from other mounts by their names; nothing is mounted writable, whatever the
/// options say.  Of hooks, those of NVIDIA's toolkit are understood, and either not needed here or
/// turned into names; with any other, with network devices and with cache allocation the file is
/// refused, since a container without them is not what the vendor describes.  Groups are ignored:
/// NVIDIA names those of /dev/dri/card*, and a task's groups are its user's.  What lading
/// wrote itself, for other runtimes, describes no hardware and gives no profile.  Code::site.
Result<std::vector<Profile>> profiles_of(const CdiSpec& spec, std::string_view file);

}  // namespace lading::formats
