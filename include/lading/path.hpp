// SPDX-License-Identifier: BSD-3-Clause
/// Host and guest paths are different types, so that one cannot be used where the other is meant.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace lading {

/// An absolute path as the compute node sees it, outside of any container.
struct HostPath {
    std::string value;
    auto operator<=>(const HostPath&) const = default;
};

/// An absolute path as the task sees it, inside the container's root.
struct GuestPath {
    std::string value;
    auto operator<=>(const GuestPath&) const = default;
};

/// Is `path` equal to `prefix` or below it?  Compares whole components, never characters:
/// `/data` does not cover `/database`.  Both are absolute and free of `.` and `..`.
bool path_covers(std::string_view prefix, std::string_view path);

}  // namespace lading
