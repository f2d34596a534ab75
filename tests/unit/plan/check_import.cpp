// SPDX-License-Identifier: BSD-3-Clause
#include "core/plan/check_import.hpp"

#include "catch.hpp"

using namespace lading;

namespace {

const RegistryImage kAtse{"registry.example.org", "hpc/atse", "1", ""};
const ImportCaller kAlice{"alice", {"alice", "staff"}};

StoreConfig store_with(ImportPolicy policy) {
    return {"/images", MountBy::automatic, std::move(policy)};
}

bool may(ImportPolicy policy, const RegistryImage* source = &kAtse) {
    const auto allowed = check_import(store_with(std::move(policy)), source, kAlice);
    CHECK((allowed || allowed.error().code == Code::refused));
    return allowed.has_value();
}

}  // namespace

TEST_CASE("a store without a policy takes everything from everybody") {
    CHECK(may({}));
    CHECK(may({}, nullptr));
}

TEST_CASE("a store takes images of the registries, groups and repositories that it names") {
    ImportPolicy policy;
    for (const char* const allowed :
         {"registry.example.org", "registry.example.org/hpc", "registry.example.org/hpc/atse"}) {
        INFO(allowed);
        policy.registries = {{allowed}};
        CHECK(may(policy));
    }
    for (const char* const other : {"registry.example", "registry.example.org/hp",
                                    "registry.example.org/hpc/atse/x", "docker.io"}) {
        INFO(other);
        policy.registries = {{other}};
        CHECK_FALSE(may(policy));
    }
    policy.registries.emplace();
    CHECK_FALSE(may(policy));
    CHECK(may(policy, nullptr));  // of files it says nothing
}

TEST_CASE("a store can take images of registries only") {
    ImportPolicy policy;
    policy.files = false;
    CHECK(may(policy));
    CHECK_FALSE(may(policy, nullptr));
}

TEST_CASE("a store can name who may import, by user or by group") {
    ImportPolicy policy;
    policy.users = {{"bob"}};
    CHECK_FALSE(may(policy));
    policy.groups = {{"staff"}};
    CHECK(may(policy));
    policy.groups = {{"staf"}};
    policy.users = {{"alice"}};
    CHECK(may(policy));
    policy.users.emplace();
    CHECK_FALSE(may(policy));
}
