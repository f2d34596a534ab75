// SPDX-License-Identifier: BSD-3-Clause
#include "core/plan/check_import.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lading {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& name) {
    return std::ranges::find(list, name) != list.end();
}

bool is_listed(const ImportPolicy& policy, const ImportCaller& caller) {
    if (!policy.users && !policy.groups) {
        return true;
    }
    return (policy.users && contains(*policy.users, caller.user)) ||
           (policy.groups && std::ranges::any_of(caller.groups, [&](const std::string& group) {
                return contains(*policy.groups, group);
            }));
}

/// `registry.example.org/group` covers `registry.example.org/group/atse`, not `…/groups/atse`.
bool covers(const std::string& allowed, const std::string& repository) {
    return repository == allowed || repository.starts_with(allowed + '/');
}

}  // namespace

Result<> check_import(const StoreConfig& store, const RegistryImage* source,
                      const ImportCaller& caller) {
    const ImportPolicy& policy = store.import;
    const std::string hint = "the site's choice: $.stores[].import in lading.json";
    if (!is_listed(policy, caller)) {
        return fail(Code::refused,
                    fmt::format("{} may not put images into {}", caller.user, store.path), hint);
    }
    if (source == nullptr) {
        return policy.files
                   ? Result<>()
                   : fail(Code::refused,
                          fmt::format("{} takes images of registries only", store.path), hint);
    }
    const std::string repository = fmt::format("{}/{}", source->host, source->repository);
    if (policy.registries &&
        std::ranges::none_of(*policy.registries, [&](const std::string& allowed) {
            return covers(allowed, repository);
        })) {
        return fail(Code::refused, fmt::format("{} takes no images of {}", store.path, repository),
                    policy.registries->empty()
                        ? hint
                        : fmt::format("it takes those of {}", fmt::join(*policy.registries, ", ")));
    }
    return {};
}

}  // namespace lading
