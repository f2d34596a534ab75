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

std::string script_program(std::string_view start) {
    std::string interpreter = script_interpreter(start);
    if (!interpreter.ends_with("/env")) {
        return interpreter;
    }
    std::string_view line = start.substr(0, start.find('\n'));
    line.remove_prefix(line.find(interpreter) + interpreter.size());
    for (std::size_t at = line.find_first_not_of(" \t\r"); at != std::string_view::npos;
         at = line.find_first_not_of(" \t\r")) {
        line.remove_prefix(at);
        const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
        line.remove_prefix(word.size());
        // env's own options (-S), and variables that it sets
        if (!word.starts_with('-') && word.find('=') == std::string_view::npos) {
            return (word.starts_with('/') ? "" : "/usr/bin/") + std::string(word);
        }
    }
    return interpreter;
}

}  // namespace lading::formats
