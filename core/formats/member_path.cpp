// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/member_path.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/formats/utf8.hpp"

namespace lading::formats {

Result<std::string> normalise_member_path(std::string_view name) {
    if (name.size() > kMaxPathBytes) {
        return fail(Code::bad_image,
                    fmt::format("the path '{}' in the image is longer than {} bytes",
                                shown_name(name), kMaxPathBytes));
    }
    if (name.find('\0') != std::string_view::npos) {
        return fail(Code::bad_image,
                    fmt::format("the path '{}' in the image has a NUL byte", shown_name(name)));
    }
    std::string path;
    std::size_t depth = 0;
    std::size_t start = 0;
    while (start < name.size()) {
        const std::size_t end = std::min(name.find('/', start), name.size());
        const std::string_view component = name.substr(start, end - start);
        start = end + 1;
        if (component.empty() || component == ".") {
            continue;
        }
        if (component == "..") {
            return fail(Code::bad_image,
                        fmt::format("the path '{}' in the image points upwards", shown_name(name)),
                        "lading does not guess what such an archive means: make it again");
        }
        if (component.size() > kMaxNameBytes || ++depth > kMaxPathDepth) {
            return fail(Code::bad_image,
                        fmt::format("the path '{}' in the image has a name longer than {} bytes or "
                                    "more than {} components",
                                    shown_name(name), kMaxNameBytes, kMaxPathDepth));
        }
        if (!path.empty()) {
            path += '/';
        }
        path += component;
    }
    return path;
}

bool is_member_path(std::string_view path) {
    const auto normalised = normalise_member_path(path);
    return normalised && *normalised == path;
}

std::string shown_name(std::string_view name) {
    constexpr std::size_t kShown = 200;
    return name.size() > kShown ? printable(utf8_prefix(name, kShown)) + "…" : printable(name);
}

bool is_kept_xattr(std::string_view name) {
    constexpr std::size_t kLongest = 255;
    if (name.size() > kLongest || name.find('\0') != std::string_view::npos ||
        name.find('=') != std::string_view::npos) {
        return false;
    }
    // The image is an overlay's lower layer: an image that brought its own overlay attributes
    // could redirect a directory or mark one opaque (kernel: filesystems/overlayfs.rst).
    if (name.starts_with("user.overlay.")) {
        return false;
    }
    return (name.starts_with("user.") && name.size() > 5) || name == "security.capability";
}

}  // namespace lading::formats
