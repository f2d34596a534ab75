// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/remove_image.hpp"

#include "core/app/list_images.hpp"
#include "core/sys/store_removal.hpp"

namespace lading::app {

Result<std::string> remove_image(const std::vector<std::string>& stores, const ImageName& name) {
    for (const std::string& path : stores) {
        const auto removed = name.digest.empty() ? sys::remove_tag(path, name.name, name.tag)
                                                 : sys::remove_image(path, name.digest);
        if (removed) {
            return path;
        }
        if (removed.error().code != Code::not_found) {
            return tl::unexpected<Error>(removed.error());
        }
    }
    return no_such_image(stores, name);
}

}  // namespace lading::app
