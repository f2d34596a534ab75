// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "lading/site.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

SiteConfig site_of(const std::string& text) {
    const auto parsed = parse_site_config(text, "lading.json");
    INFO(text);
    INFO((parsed ? "" : parsed.error().what));
    REQUIRE(parsed);
    return *parsed;
}

Error error_of(const std::string& text) {
    const auto parsed = parse_site_config(text, "lading.json");
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::site);
    CHECK(parsed.error().what.starts_with("lading.json: "));
    return parsed.error();
}

}  // namespace

TEST_CASE("an empty configuration works, with a store for the site and one for the user") {
    const SiteConfig site = site_of("{}");
    CHECK(site == SiteConfig{});
    REQUIRE(site.stores.size() == 2);
    CHECK(site.stores[0] == StoreConfig{"/var/lib/lading/store", MountBy::automatic});
    CHECK(site.stores[1] == StoreConfig{"~/.local/share/lading", MountBy::automatic});
    CHECK(site.seccomp == "default");
    CHECK(site.scratch_percent == 10);
    CHECK(site.record);
}

TEST_CASE("every key of the configuration is read") {
    SiteConfig expected;
    expected.stores = {{"/images", MountBy::kernel}, {"~/x", MountBy::squashfuse}};
    expected.path_images = false;
    expected.path_images_by = MountBy::kernel;
    expected.mounts = {{{"/opt/a"}, {"/b"}, true, false}, {{"/c"}, {"/c"}, false, true}};
    expected.forbidden_sources = {{"/secret"}};
    expected.forbidden_targets = {{"/etc/site"}};
    expected.user_mounts = false;
    expected.mount_home = false;
    expected.writable = true;
    expected.scratch_bytes = std::uint64_t{2} << 30U;
    expected.unshare = {false, true, false, true};
    expected.environment = {{"SITE", "a b=c"}};
    expected.pass_environment = {"EASYBUILD_*", "X"};
    expected.seccomp = "/etc/lading/seccomp.json";
    expected.profiles = "/opt/profiles";
    expected.cdi = {"/opt/cdi"};
    expected.inject = Inject{Inject::What::none, false, false};
    expected.on_mismatch = OnMismatch::warn;
    expected.squashfuse = "/opt/squashfuse";
    expected.record = false;
    CHECK(site_of(R"({
        // comments are allowed
        "$schema": "x",
        "stores": [{"path": "/images", "mount": "kernel"}, {"path": "~/x", "mount": "squashfuse"}],
        "image_files": {"allow": false, "mount": "kernel"},
        "mounts": {
            "add": [{"source": "/opt/a", "target": "/b", "read_only": true, "required": false},
                    {"source": "/c"}],
            "home": false, "user": false,
            "forbid_sources": ["/secret"], "forbid_targets": ["/etc/site"]
        },
        "writable": {"default": true, "allow": true, "size": "2G"},
        "namespaces": {"unshare": ["ipc", "uts"]},
        "environment": {"set": {"SITE": "a b=c"}, "pass": ["EASYBUILD_*", "X"]},
        "seccomp": "/etc/lading/seccomp.json",
        "inject": {"profiles": "/opt/profiles", "cdi": ["/opt/cdi"], "default": "none",
                   "on_mismatch": "warn"},
        "squashfuse": "/opt/squashfuse",
        "record": false /* either kind */
    })") == expected);
}

TEST_CASE("a store's list replaces the default one, even by nothing") {
    CHECK(site_of(R"({"stores": []})").stores.empty());
}

TEST_CASE("an error of the configuration names the file and the JSON path") {
    CHECK(error_of(R"({"stores": [{"path": "/a"}, {"path": 5}]})").what ==
          "lading.json: $.stores[1].path: expected a string, found a number");
    CHECK(error_of(R"({"mounts": {"home": "yes"}})").what ==
          "lading.json: $.mounts.home: expected true or false, found a string");
    CHECK(error_of(R"({"stores": {}})").what ==
          "lading.json: $.stores: expected an array, found an object");
    CHECK(error_of("[]").what == "lading.json: $: expected an object, found an array");
    CHECK(error_of(R"({"stores": [{"mount": "auto"}]})").what ==
          "lading.json: $.stores[0]: 'path' is missing");
    CHECK(error_of(R"({"environment": {"set": {"A B": "x"}}})").what ==
          "lading.json: $.environment.set[\"A B\"]: not the name of an environment variable");
}

TEST_CASE("an unknown key is refused with the nearest one that there is") {
    const Error error = error_of(R"({"mounts": {"forbid_source": []}})");
    CHECK(error.what ==
          "lading.json: $.mounts.forbid_source: unknown key; did you mean 'forbid_sources'?");
    CHECK(error.hint == "known here: add, home, user, forbid_sources, forbid_targets");
    CHECK(error_of(R"({"zzz": 1})").what == "lading.json: $.zzz: unknown key");
}

TEST_CASE("a key that stands twice is refused wherever it stands") {
    CHECK(error_of(R"({"record": true, "record": false})").what ==
          "lading.json: $.record: given twice");
    CHECK(error_of(R"({"writable": {"size": "1G", "size": "2G"}})").what ==
          "lading.json: $.writable.size: given twice");
    CHECK(error_of(R"({"stores": [{"path": "/a"}, {"path": "/b", "path": "/c"}]})").what ==
          "lading.json: $.stores[].path: given twice");
}

TEST_CASE("a syntax error names line and column") {
    CHECK(error_of("{\n  \"record\": tru\n}").what.starts_with("lading.json: line 2, column "));
    CHECK(error_of("{\n  \"a\": 1,,\n}").what.starts_with("lading.json: line 2, column 10: "));
    CHECK(error_of("").what.starts_with("lading.json: line 1, column 1: "));
    CHECK(error_of("{} x").what.starts_with("lading.json: line 1, column 4: "));
    CHECK(error_of("{").what.find('\n') == std::string::npos);
    error_of(R"({"a": 1e999})");
    error_of("{\"a\": \"\xff\"}");
}

TEST_CASE("a path of the configuration is written as the kernel says it") {
    CHECK(error_of(R"({"mounts": {"forbid_sources": ["/a", "/b/"]}})").what ==
          "lading.json: $.mounts.forbid_sources[1]: write '/b' instead of '/b/'");
    CHECK(error_of(R"({"mounts": {"forbid_targets": ["/a//b"]}})").what ==
          "lading.json: $.mounts.forbid_targets[0]: write '/a/b' instead of '/a//b'");
    for (const std::string path : {"a", "", "/a/../b", "~/x", "/a\\nb", "/a\\u0000"}) {
        error_of(R"({"mounts": {"add": [{"source": ")" + path + "\"}]}}");
        error_of(R"({"squashfuse": ")" + path + "\"}");
    }
    error_of(R"({"stores": [{"path": "~"}]})");
    error_of(R"({"stores": [{"path": "~bob/x"}]})");
    error_of(R"({"stores": [{"path": "~/"}]})");
    error_of(R"({"stores": [{"path": "/"}]})");
    error_of(R"({"mounts": {"add": [{"source": "/"}]}})");
    error_of(R"({"mounts": {"add": [{"source": "/a", "target": "/"}]}})");
    CHECK(site_of(R"({"mounts": {"forbid_sources": ["/"]}})").forbidden_sources.size() == 1);
}

TEST_CASE("sizes have a unit and bounds") {
    CHECK(site_of(R"({"writable": {"size": "512M"}})").scratch_bytes == 512U << 20U);
    CHECK(site_of(R"({"writable": {"size": "1024K"}})").scratch_bytes == 1U << 20U);
    CHECK(site_of(R"({"writable": {"size": "1024T"}})").scratch_bytes == std::uint64_t{1} << 50U);
    const SiteConfig half = site_of(R"({"writable": {"size": "50%"}})");
    CHECK(half.scratch_bytes == 0);
    CHECK(half.scratch_percent == 50);
    for (const std::string size :
         {"", "2", "G", "2g", "2GB", "-1G", "0G", "3K", "0%", "101%", "1.5G", " 1G", "1 G", "1025T",
          "99999999999999999999G", "18446744073709551615T", "%"}) {
        error_of(R"({"writable": {"size": ")" + size + "\"}}");
    }
    error_of(R"({"writable": {"size": 1024}})");
}

TEST_CASE("what containers are given of the host's libraries is the site's to say") {
    const SiteConfig none = site_of(R"({"inject": {}})");
    CHECK(none.profiles == "/etc/lading/profiles.d");
    CHECK(none.cdi == std::vector<std::string>{"/etc/cdi", "/var/run/cdi"});
    CHECK(none.inject == Inject{});
    CHECK(none.on_mismatch == OnMismatch::refuse);
    CHECK(site_of(R"({"inject": {"cdi": []}})").cdi.empty());
    CHECK(site_of(R"({"inject": {"default": "auto", "on_mismatch": "none"}})").on_mismatch ==
          OnMismatch::none);
    CHECK(error_of(R"({"inject": {"default": "mpi"}})").what ==
          "lading.json: $.inject.default: expected auto or none, found 'mpi'");
    CHECK(error_of(R"({"inject": {"on_mismatch": "stop"}})").what ==
          "lading.json: $.inject.on_mismatch: expected refuse, warn or none, found 'stop'");
    CHECK(error_of(R"({"inject": {"profiles": "profiles.d"}})")
              .what.starts_with("lading.json: $.inject.profiles: "));
    CHECK(error_of(R"({"inject": {"cdi": ["/etc/cdi", "x"]}})")
              .what.starts_with("lading.json: $.inject.cdi[1]: "));
    CHECK(error_of(R"({"inject": {"profile": "/a"}})").what ==
          "lading.json: $.inject.profile: unknown key; did you mean 'profiles'?");
    error_of(R"({"inject": {"cdi": "/etc/cdi"}})");
    error_of(R"({"inject": "none"})");
}

TEST_CASE("a configuration that contradicts itself is refused") {
    error_of(R"({"writable": {"default": true, "allow": false}})");
    error_of(R"({"stores": [{"path": "/a"}, {"path": "/a"}]})");
    error_of(R"({"mounts": {"add": [{"source": "/a"}, {"source": "/b", "target": "/a"}]}})");
    error_of(R"({"namespaces": {"unshare": ["user"]}})");
    error_of(R"({"namespaces": {"unshare": ["pid,ipc"]}})");
    error_of(R"({"environment": {"pass": ["*"]}})");
    error_of(R"({"environment": {"pass": ["A*B"]}})");
    error_of(R"({"environment": {"set": {"A": 1}}})");
    error_of(R"({"seccomp": "strict"})");
    error_of(R"({"stores": [{"path": "/a", "mount": "fuse"}]})");
}

TEST_CASE("no damaged configuration ends in anything but an error or a configuration") {
    const std::string text =
        R"({"stores":[{"path":"/a","mount":"auto"}],"mounts":{"add":[{"source":"/b"}],)"
        R"("forbid_sources":["/c"]},"writable":{"size":"2G"},"environment":{"set":{"A":"b"}}})";
    for_each_mutation(text, 2000, [](const std::string& damaged) {
        const auto parsed = parse_site_config(damaged, "f");
        if (!parsed) {
            CHECK(parsed.error().code == Code::site);
            CHECK(parsed.error().what.find('\n') == std::string::npos);
        }
    });
    error_of(std::string(400'000, '[') + std::string(400'000, ']'));
    error_of(std::string(2U << 20U, ' '));
}
