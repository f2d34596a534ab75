// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/search_path.hpp"

#include <algorithm>

namespace lading::formats {

std::vector<std::string> split_search_path(std::string_view list) {
    std::vector<std::string> directories;
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find(':', at), list.size());
        if (end > at) {
            directories.emplace_back(list.substr(at, end - at));
        }
        at = end + 1;
    }
    return directories;
}

std::vector<std::string> split_run_path(std::string_view list, std::string_view file) {
    const std::string_view origin = file.substr(0, file.rfind('/'));
    std::vector<std::string> directories = split_search_path(list);
    for (std::string& directory : directories) {
        for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
            // Behind what was put in: a directory may itself be called like the token.
            for (std::size_t at = directory.find(token); at != std::string::npos;
                 at = directory.find(token, at + origin.size())) {
                directory.replace(at, token.size(), origin);
            }
        }
    }
    return directories;
}

}  // namespace lading::formats
