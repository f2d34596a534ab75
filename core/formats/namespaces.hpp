// SPDX-License-Identifier: BSD-3-Clause
/// Namespaces by name: one table for the option, the configuration and the request's text.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "lading/request.hpp"

namespace lading::formats {

struct NamespaceName {
    std::string_view name;
    bool Namespaces::*member;
};

inline constexpr std::array<NamespaceName, 4> kNamespaceNames = {{
    {"pid", &Namespaces::pid},
    {"ipc", &Namespaces::ipc},
    {"net", &Namespaces::net},
    {"uts", &Namespaces::uts},
}};

/// Sets the one of that name; false where there is none.
bool set_namespace(Namespaces& namespaces, std::string_view name);

/// Names of those that are set, in the table's order.
std::vector<std::string> namespace_names(const Namespaces& namespaces);

}  // namespace lading::formats
