// SPDX-License-Identifier: BSD-3-Clause
// --container-unshare=pid,ipc,net,uts
#include "core/formats/namespaces.hpp"

#include <fmt/format.h>

#include "core/formats/option_list.hpp"
#include "core/formats/utf8.hpp"

namespace lading {
namespace {

using formats::Fault;

constexpr std::string_view kSubject = "--container-unshare";

}  // namespace

bool formats::set_namespace(Namespaces& namespaces, std::string_view name) {
    for (const NamespaceName& known : kNamespaceNames) {
        if (known.name == name) {
            namespaces.*known.member = true;
            return true;
        }
    }
    return false;
}

std::vector<std::string> formats::namespace_names(const Namespaces& namespaces) {
    std::vector<std::string> names;
    for (const NamespaceName& known : kNamespaceNames) {
        if (namespaces.*known.member) {
            names.emplace_back(known.name);
        }
    }
    return names;
}

Result<Namespaces> parse_namespaces(std::string_view text) {
    Namespaces namespaces;
    const auto read = formats::for_each_word(
        text, [&](std::string_view word, std::size_t at) -> tl::expected<void, Fault> {
            if (!formats::set_namespace(namespaces, word)) {
                const std::string found =
                    word.empty() ? "nothing"
                                 : fmt::format("'{}'", formats::printable(word.substr(0, 40)));
                return tl::unexpected(
                    Fault{at, fmt::format("expected pid, ipc, net or uts, found {}", found)});
            }
            return {};
        });
    if (!read) {
        return formats::fail_at(kSubject, text, read.error());
    }
    return namespaces;
}

}  // namespace lading
