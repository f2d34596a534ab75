// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/script.hpp"

namespace lading::formats {

std::string script_interpreter(std::string_view start) {
    if (!start.starts_with("#!")) {
        return {};
    }
    const std::size_t begin = start.find_first_not_of(" \t", 2);
    if (begin == std::string_view::npos) {
        return {};
    }
    return std::string(start.substr(begin, start.find_first_of(" \t\r\n", begin) - begin));
}

}  // namespace lading::formats
