// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/tree_stamps.hpp"

#include <fcntl.h>

#include <algorithm>

#include "core/app/file_stamp.hpp"
#include "core/formats/headed_file.hpp"

namespace lading::app {
namespace {

constexpr std::int64_t kSettledSeconds = 3;
constexpr std::string_view kElsewhere = "other";

}  // namespace

void TreeStamps::add(const std::string& path, const struct stat& status, bool ours) {
    fields_.add("path", path.empty() ? "." : path);
    fields_.add("stamp", ours ? FileStamp(status).bytes() : kElsewhere);
    if (ours) {
        newest_ = std::max<std::int64_t>(newest_, status.st_ctim.tv_sec);
    }
}

bool TreeStamps::settled(std::time_t now) const {
    return newest_ < now - kSettledSeconds;
}

std::string TreeStamps::keep(std::string_view index) const {
    return formats::format_headed_file(fields_, index);
}

std::string_view index_of_unchanged(std::string_view kept, int root) {
    const auto parts = formats::parse_headed_file(kept);
    struct stat top {};
    if (!parts || fstat(root, &top) != 0) {
        return {};
    }
    const auto paths = parts->head.all("path");
    const auto stamps = parts->head.all("stamp");
    if (paths.empty() || paths.size() != stamps.size()) {
        return {};
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
        struct stat status {};
        if (fstatat(root, paths[i].c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0 ||
            stamps[i] != (status.st_dev == top.st_dev ? FileStamp(status).bytes() : kElsewhere)) {
            return {};
        }
    }
    return parts->rest;
}

}  // namespace lading::app
