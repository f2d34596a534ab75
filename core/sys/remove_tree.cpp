// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/remove_tree.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/sys/image_store.hpp"

namespace lading::sys {

void remove_tree(int parent, const std::string& name) {
    if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) {
        return;
    }
    const Fd directory = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
    if (directory.valid()) {
        const auto names = directory_names(directory.get(), name);
        for (const std::string& inner : names ? *names : std::vector<std::string>()) {
            remove_tree(directory.get(), inner);
        }
    }
    unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

}  // namespace lading::sys
