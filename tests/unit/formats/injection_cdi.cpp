// SPDX-License-Identifier: BSD-3-Clause
// What an image gets of its host, for runtimes that read CDI.
#include "core/formats/injection_cdi.hpp"

#include <algorithm>
#include <string>

#include "catch.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

Injection an_injection() {
    Injection injection;
    injection.profiles = {"mpich", "ucx"};
    injection.files = {{"libmpich.so.12",
                        {"/usr/lib/libmpich.so.12.2.1"},
                        {{"/lib/libmpich.so.12"}, {"/opt/app/libmpich.so.12"}},
                        "",
                        ""}};
    injection.mounts = {{{"/usr/lib/ucx"}, {"/usr/lib/ucx"}, true, ""},
                        {{"/usr/bin/nvidia-smi"}, {"/usr/bin/nvidia-smi"}, false, ""}};
    injection.environment = {{"UCX_TLS", "all"}};
    return injection;
}

CdiSurroundings surroundings() {
    CdiSurroundings around;
    around.device = "atse-1.2.4";
    around.directories = {{"/usr/lib/ucx"}};
    return around;
}

const CdiEdits& edits_of(const CdiSpec& spec) {
    REQUIRE(spec.devices.size() == 1);
    return spec.devices.front().edits;
}

using Options = std::vector<std::string>;
const Options kFile{"ro", "nosuid", "nodev", "bind"};
const Options kDirectory{"ro", "nosuid", "nodev", "rbind"};

}  // namespace

TEST_CASE("every injected file is mounted at each of its places, read-only") {
    const CdiSpec spec = cdi_of(an_injection(), surroundings());
    CHECK(spec.version == "0.5.0");
    CHECK(spec.kind == "lading/image");
    CHECK(spec.devices.front().name == "atse-1.2.4");
    CHECK(edits_of(spec).mounts ==
          std::vector<CdiMount>{
              {"/usr/lib/ucx", "/usr/lib/ucx", "", kDirectory},
              {"/usr/bin/nvidia-smi", "/usr/bin/nvidia-smi", "", kFile},
              {"/usr/lib/libmpich.so.12.2.1", "/lib/libmpich.so.12", "", kFile},
              {"/usr/lib/libmpich.so.12.2.1", "/opt/app/libmpich.so.12", "", kFile},
          });
    CHECK(edits_of(spec).env ==
          std::vector<std::string>{"UCX_TLS=all", "LADING_PROFILES=mpich ucx"});
    CHECK(edits_of(spec).hooks.empty());
}

TEST_CASE("the host's glibc comes by its redirected loader, behind all else") {
    Injection injection = an_injection();
    injection.libc = {"2.36", {"/lib64/ld.so"}, {{"/lib/ld-2.31.so"}}, {}};
    CdiSurroundings around = surroundings();
    around.loader = {"/etc/cdi/a.files/ld.so"};
    around.loader_cache = {"/etc/cdi/a.files/ldso"};
    const auto mounts = edits_of(cdi_of(injection, around)).mounts;
    REQUIRE(mounts.size() == 6);
    CHECK(mounts[4] == CdiMount{"/etc/cdi/a.files/ldso", "/run/lading/ldso", "", kFile});
    CHECK(mounts[5] == CdiMount{"/etc/cdi/a.files/ld.so", "/lib/ld-2.31.so", "", kFile});
}

TEST_CASE("devices of the profiles are nodes, each once, and so are those that a profile mounts") {
    Injection injection;
    injection.mounts = {{{"/dev/nvidia1"}, {"/dev/nvidia0"}, true, ""}};
    CdiSurroundings around = surroundings();
    around.nodes = {{"/dev/kfd"}, {"/dev/kfd"}};
    const CdiEdits edits = edits_of(cdi_of(injection, around));
    CHECK(edits.mounts.empty());
    REQUIRE(edits.device_nodes.size() == 2);
    CHECK(edits.device_nodes[0].path == "/dev/kfd");
    CHECK(edits.device_nodes[0].permissions == "rw");
    CHECK(edits.device_nodes[1].path == "/dev/nvidia0");
    CHECK(edits.device_nodes[1].host_path == "/dev/nvidia1");
}

TEST_CASE("a specification is never empty: runtimes refuse a device without edits") {
    CHECK(edits_of(cdi_of(Injection{}, surroundings())).env ==
          std::vector<std::string>{"LADING_PROFILES="});
}

TEST_CASE("what is written is read again, and is no profile") {
    const CdiSpec spec = cdi_of(an_injection(), surroundings());
    const auto again = parse_cdi(format_cdi(spec), "atse-1.2.4.json");
    REQUIRE(again);
    CHECK(*again == spec);
    const auto profiles = profiles_of(*again, "atse-1.2.4.json");
    REQUIRE(profiles);
    CHECK(profiles->empty());
}

TEST_CASE("the device is named after the image, by CDI's grammar") {
    CHECK(cdi_device_name("atse:1.2.4") == "atse-1.2.4");
    CHECK(cdi_device_name("ghcr.io/team/atse:1") == "ghcr.io-team-atse-1");
    CHECK(cdi_device_name("atse@sha256:0123") == "atse-sha256-0123");
    CHECK(cdi_device_name("/srv/images/atse.sqsh") == "atse.sqsh");
    CHECK(cdi_device_name("/srv/images/atse/") == "atse");
    CHECK(cdi_device_name("/srv/_x y_") == "x-y");
    CHECK(cdi_device_name("/") == "image");
    for (const char* const image : {"atse:1.2.4", "a@sha256:01", "/srv/.x-", "/", "/\xc3\xa4"}) {
        CHECK(is_cdi_device_name(cdi_device_name(image)));
    }
    for (const char* const name : {"", "-a", "a-", "a b", "a/b", "a=b", "\xc3\xa4"}) {
        CHECK_FALSE(is_cdi_device_name(name));
    }
    CHECK(is_cdi_device_name("0"));
    CHECK(is_cdi_device_name("a_b.c:d-e"));
}
