// SPDX-License-Identifier: BSD-3-Clause
#include "lading/path.hpp"

namespace lading {

bool path_covers(std::string_view prefix, std::string_view path) {
    if (!prefix.starts_with('/') || !path.starts_with('/')) {
        return false;
    }
    while (prefix.size() > 1 && prefix.ends_with('/')) {
        prefix.remove_suffix(1);
    }
    if (prefix == "/") {
        return true;
    }
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace lading
