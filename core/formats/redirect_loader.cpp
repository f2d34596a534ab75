// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/ld_cache.hpp"

namespace lading::formats {

Result<std::string> redirect_loader(std::string loader, std::string_view path) {
    constexpr std::string_view kCache("/etc/ld.so.cache", sizeof "/etc/ld.so.cache");
    if (path.size() + 1 != kCache.size()) {
        return fail(Code::internal, "the loader's cache must have a name as long as its own");
    }
    bool found = false;
    for (std::size_t at = loader.find(kCache); at != std::string::npos;
         at = loader.find(kCache, at + 1)) {
        loader.replace(at, path.size(), path);
        found = true;
    }
    if (!found) {
        return fail(Code::system, "this host's ld.so names no /etc/ld.so.cache",
                    "images with an older glibc than the host's libraries need cannot be served; "
                    "run with --container-inject=none");
    }
    return loader;
}

}  // namespace lading::formats
