// SPDX-License-Identifier: BSD-3-Clause
/// The site's configuration, /etc/lading/lading.json (see lading.json(5)).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lading/image.hpp"
#include "lading/path.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading {

/// What may be put into a store, and by whom.  File permissions say who can write to it at all;
/// this is for those who can, for instance as the store's service account (sudo).
struct ImportPolicy {
    bool files = true;  ///< archives, directories and files, as `lading import` takes
    std::optional<std::vector<std::string>> registries;  ///< `HOST[/PREFIX]`; none given: all
    std::optional<std::vector<std::string>> users;       ///< by name; neither these nor groups: all
    std::optional<std::vector<std::string>> groups;      ///< likewise
    std::string signatures;  ///< a containers-policy.json(5) for skopeo; empty: the machine's own
    bool operator==(const ImportPolicy&) const = default;
};

struct StoreConfig {
    std::string path;  ///< absolute, or beginning with `~/`: the job user's home
    MountBy mount_by = MountBy::automatic;
    ImportPolicy import{};
    bool operator==(const StoreConfig&) const = default;
};

struct SiteMount {
    HostPath source;
    GuestPath target;
    bool read_only = false;
    bool required = true;  ///< a missing source is the site's error; otherwise it is left out
    bool operator==(const SiteMount&) const = default;
};

struct SiteConfig {
    /// Looked up in this order.
    std::vector<StoreConfig> stores = {{"/var/lib/lading/store", MountBy::automatic},
                                       {"~/.local/share/lading", MountBy::automatic}};
    /// A directory that all users may write to (mode 1777), for layers of public images; empty:
    /// each store keeps its own.
    std::string shared_layers;
    bool path_images = true;                      ///< may `--container=/path` be used at all
    MountBy path_images_by = MountBy::automatic;  ///< how squashfs files given by path are mounted
    std::vector<SiteMount> mounts;                ///< added to every container
    std::vector<HostPath> forbidden_sources;   ///< users bind neither these, nor below, nor above
    std::vector<GuestPath> forbidden_targets;  ///< nor mount over these, nor below, nor above
    bool user_mounts = true;                   ///< may users bind anything at all
    bool mount_home = true;                    ///< default for --[no-]container-mount-home
    bool writable = false;                     ///< default for --container-writable
    bool allow_writable = true;
    std::uint64_t scratch_bytes = 0;  ///< size of the overlay's tmpfs; 0: scratch_percent of memory
    unsigned scratch_percent = 10;
    Namespaces unshare;  ///< taken by every task, whatever the user asks
    std::map<std::string, std::string> environment;  ///< set in every container
    std::vector<std::string> pass_environment;  ///< further job variables that beat the image's
    std::string seccomp = "default";            ///< or `none`, or a profile's absolute path
    std::string profiles = "/etc/lading/profiles.d";  ///< directory of the host's stacks
    std::vector<std::string> cdi = {"/etc/cdi", "/var/run/cdi"};  ///< directories; later ones win
    Inject inject;                                ///< default for --container-inject
    OnMismatch on_mismatch = OnMismatch::refuse;  ///< default for --container-on-mismatch
    std::string squashfuse = "/usr/bin/squashfuse_ll";
    bool record = true;  ///< write to the job's AdminComment
    bool operator==(const SiteConfig&) const = default;
};

/// The store's directory; empty where it lies in a home and `home` is none.
std::string store_path(const StoreConfig& store, const std::string& home);

/// Reads the configuration; `//` and `/* */` comments are allowed.  Errors name `file` and the
/// JSON path (`lading.json: $.stores[1].path: expected a string, found a number`); unknown keys
/// are refused with the nearest known one.
Result<SiteConfig> parse_site_config(std::string_view json, std::string_view file);

}  // namespace lading
