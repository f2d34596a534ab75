// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/absolute_path.hpp"

#include <algorithm>

#include "core/formats/utf8.hpp"

namespace lading::formats {
namespace {

tl::unexpected<Fault> fault(std::size_t at, std::string what) {
    return tl::unexpected<Fault>(Fault{at, std::move(what)});
}

tl::expected<void, Fault> check_characters(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const Character c = first_character(text.substr(at));
        if (!c.valid) {
            return fault(at, "a byte that is not UTF-8");
        }
        if (is_control(c.value)) {
            return fault(at, "a control character");
        }
        at += c.bytes;
    }
    return {};
}

}  // namespace

tl::expected<std::string, Fault> clean_absolute_path(std::string_view text) {
    if (text.empty()) {
        return fault(0, "expected an absolute path, found nothing");
    }
    if (text.front() != '/') {
        return fault(0, "expected an absolute path, beginning with '/'");
    }
    if (text.size() > kMaxPath) {
        return fault(kMaxPath, "a path longer than 4095 bytes");
    }
    if (const auto checked = check_characters(text); !checked) {
        return tl::unexpected<Fault>(checked.error());
    }
    std::string clean;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = std::min(text.find_first_not_of('/', at), text.size());
        const std::size_t end = std::min(text.find('/', begin), text.size());
        const std::string_view component = text.substr(begin, end - begin);
        if (component == "..") {
            return fault(begin, "'..' is not allowed in a path");
        }
        if (!component.empty() && component != ".") {
            clean += '/';
            clean += component;
        }
        at = end;
    }
    return clean.empty() ? "/" : clean;
}

}  // namespace lading::formats
