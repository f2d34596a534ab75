// SPDX-License-Identifier: BSD-3-Clause
#include "core/cli/importer.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/cli/stores.hpp"
#include "core/plan/check_import.hpp"

namespace lading::cli {
namespace {

/// Behind the store's owner, or root, stands whoever called sudo.  Nobody else's word counts: a
/// user sets such a variable as he likes.
uid_t calling_user(const std::string& store) {
    struct stat status {};
    const bool owner = stat(store.c_str(), &status) == 0 && status.st_uid == geteuid();
    const char* const sudo = std::getenv("SUDO_UID");
    return sudo != nullptr && (owner || geteuid() == 0)
               ? static_cast<uid_t>(std::strtoul(sudo, nullptr, 10))
               : geteuid();
}

ImportCaller describe_caller(uid_t uid) {
    ImportCaller caller;
    const passwd* const user = getpwuid(uid);
    if (user == nullptr) {
        caller.user = fmt::format("{}", uid);
        return caller;
    }
    caller.user = user->pw_name;
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    while (getgrouplist(caller.user.c_str(), user->pw_gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(count));
    }
    groups.resize(static_cast<std::size_t>(count));
    for (const gid_t gid : groups) {
        if (const group* const entry = getgrgid(gid)) {
            caller.groups.emplace_back(entry->gr_name);
        }
    }
    return caller;
}

/// The same place, however it is written; what is not there yet has no links to follow.
std::filesystem::path canonical(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(std::filesystem::path(path) / "in", ignored)
        .parent_path();
}

}  // namespace

Result<ImportPolicy> may_import(const SiteConfig& site, const std::string& path,
                                const RegistryImage* source) {
    const auto store = std::ranges::find_if(site.stores, [&](const StoreConfig& known) {
        const std::string configured = store_path(known, home_directory());
        return !configured.empty() && canonical(configured) == canonical(path);
    });
    if (store == site.stores.end()) {
        return ImportPolicy{};
    }
    TRY(check_import(*store, source, describe_caller(calling_user(path))));
    return store->import;
}

Result<ImageName> parse_new_name(const std::string& text) {
    ImageName name = TRY(parse_image_name(text));
    if (!name.digest.empty()) {
        return fail(Code::usage,
                    fmt::format("'{}' has a digest, which is found out when it is there", text),
                    fmt::format("give it a tag: {}:{}", name.name, name.tag));
    }
    return name;
}

}  // namespace lading::cli
