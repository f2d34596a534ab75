// SPDX-License-Identifier: BSD-3-Clause
#include "core/cli/stores.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <variant>

#include "core/cli/commands.hpp"
#include "core/sys/file.hpp"
#include "core/sys/store_writer.hpp"

namespace lading::cli {
namespace {

tl::unexpected<Error> no_stores() {
    return fail(
        Code::usage, "no image store is configured",
        fmt::format("name one with --store PATH, or list the site's in {}", globals().config_file));
}

Result<std::vector<std::string>> configured_stores() {
    std::vector<std::string> paths;
    const std::string home = home_directory();
    for (const StoreConfig& store : TRY(globals().site()).stores) {
        std::string path = store_path(store, home);
        if (!path.empty()) {
            paths.push_back(std::move(path));
        }
    }
    return paths;
}

tl::unexpected<Error> none_to_write(const std::vector<std::string>& paths) {
    return fail(
        Code::refused,
        fmt::format("you may not write to any configured image store ({})", fmt::join(paths, ", ")),
        "ask the site's administrator to, or choose a store of your own: --store PATH");
}

}  // namespace

std::string home_directory() {
    const passwd* const user = getpwuid(geteuid());
    return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "";
}

Result<std::string> absolute_path(const std::string& path) {
    if (path.starts_with('/')) {
        return path;
    }
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof directory) == nullptr) {
        return sys::fail_errno(Code::system, "cannot tell the working directory");
    }
    return fmt::format("{}/{}", directory, path);
}

Result<std::vector<std::string>> stores_to_read(const std::string& given) {
    if (!given.empty()) {
        return std::vector{TRY(absolute_path(given))};
    }
    std::vector<std::string> paths = TRY(configured_stores());
    if (paths.empty()) {
        return no_stores();
    }
    return paths;
}

Result<std::string> store_to_write(const std::string& given, bool for_import) {
    if (!given.empty()) {
        return absolute_path(given);
    }
    const std::vector<std::string> paths = TRY(configured_stores());
    if (paths.empty()) {
        return no_stores();
    }
    for (const std::string& path : paths) {
        const bool exists = access(path.c_str(), F_OK) == 0;
        if ((exists || for_import) && sys::can_write_store(path)) {
            return path;
        }
    }
    return none_to_write(paths);
}

Result<std::vector<std::string>> stores_to_clean(const std::string& given) {
    std::vector<std::string> paths = TRY(stores_to_read(given));
    if (!given.empty()) {
        return paths;
    }
    std::vector<std::string> writable;
    std::ranges::copy_if(paths, std::back_inserter(writable), [](const std::string& path) {
        return access(path.c_str(), F_OK) == 0 && sys::can_write_store(path);
    });
    return writable.empty() ? Result<std::vector<std::string>>(none_to_write(paths)) : writable;
}

Result<ImageName> parse_image_name(const std::string& text) {
    const ImageReference reference = TRY(parse_image_reference(text));
    const ImageName* const name = std::get_if<ImageName>(&reference);
    if (name == nullptr) {
        return fail(Code::usage, fmt::format("'{}' is not the name of an image in a store", text),
                    "names look like atse:1.2.4");
    }
    return *name;
}

}  // namespace lading::cli
