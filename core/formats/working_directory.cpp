// SPDX-License-Identifier: BSD-3-Clause
// --container-workdir=PATH
#include "core/formats/absolute_path.hpp"
#include "core/formats/caret.hpp"
#include "lading/request.hpp"

namespace lading {

Result<GuestPath> parse_workdir(std::string_view text) {
    auto path = formats::clean_absolute_path(text);
    if (!path) {
        return formats::fail_at("--container-workdir", text, path.error());
    }
    return GuestPath{std::move(*path)};
}

}  // namespace lading
