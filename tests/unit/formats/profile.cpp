// SPDX-License-Identifier: BSD-3-Clause
#include "lading/profile.hpp"

#include <string>

#include "catch.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

Profile profile_of(const std::string& text) {
    const auto parsed = parse_profile(text, "site-mpich", "p.json");
    INFO(text);
    INFO((parsed ? "" : parsed.error().what));
    REQUIRE(parsed);
    return *parsed;
}

Error error_of(const std::string& text) {
    const auto parsed = parse_profile(text, "site-mpich", "p.json");
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::site);
    CHECK(parsed.error().what.starts_with("p.json: "));
    return parsed.error();
}

/// A profile of one MPI library and this.
std::string mpich_with(const std::string& rest) {
    return R"({"kind": "mpi", "provides": "mpich", "libraries": ["/l/libmpi.so.12"], )" + rest +
           "}";
}

Profile whole() {
    Profile profile;
    profile.name = "site-mpich";
    profile.file = "p.json";
    profile.kind = StackKind::mpi;
    profile.provides = "mpich";
    profile.priority = 20;
    profile.libraries = {{{"/opt/mpi/lib/libmpi.so.12"}, {"libmpich.so.12", "libmpi.so"}},
                         {{"/opt/mpi/lib/libpmi2.so.0"}, {}}};
    profile.plugins = {{{"/opt/mpi/lib/modules"}, {"/opt/mpi/lib/modules"}, true}};
    profile.data = {{{"/opt/mpi/etc"}, {"/etc/mpi"}, false}, {{"/opt/x"}, {"/opt/x"}, false}};
    profile.devices = {{"/dev/infiniband/uverbs0"}};
    profile.environment = {{"EMPTY", ""}, {"MPI_HOME", "/opt/mpi"}};
    profile.programs = {{"/opt/mpi/bin/mpichversion"}};
    profile.with = {"ucx", "nvidia.com/gpu=all"};
    return profile;
}

}  // namespace

TEST_CASE("every key of a profile is read") {
    CHECK(profile_of(R"({
        // comments are allowed
        "$schema": "x", "description": "what people read",
        "kind": "mpi", "provides": "mpich", "priority": 20,
        "libraries": [
            {"path": "/opt/mpi/lib/libmpi.so.12", "names": ["libmpich.so.12", "libmpi.so"]},
            "/opt/mpi/lib/libpmi2.so.0"],
        "plugins": ["/opt/mpi/lib/modules"],
        "data": [{"source": "/opt/mpi/etc", "target": "/etc/mpi", "required": false},
                 {"source": "/opt/x", "required": false}],
        "devices": ["/dev/infiniband/uverbs0"],
        "environment": {"MPI_HOME": "/opt/mpi", "EMPTY": ""},
        "programs": ["/opt/mpi/bin/mpichversion"],
        "with": ["ucx", "nvidia.com/gpu=all"]
    })") == whole());
}

TEST_CASE("what is written of a profile reads as the same profile") {
    const std::string text = format_profile(whole());
    CHECK(profile_of(text) == whole());
    CHECK(format_profile(profile_of(text)) == text);
    // People read it: the keys stand in the manual's order, and what says nothing is not there.
    CHECK(text.find("\"kind\"") < text.find("\"libraries\""));
    CHECK(text.find("\"libraries\"") < text.find("\"data\""));
    Profile least;
    least.kind = StackKind::fabric;
    least.provides = "ucx";
    CHECK(format_profile(least) == "{\n    \"kind\": \"fabric\",\n    \"provides\": \"ucx\"\n}\n");
}

TEST_CASE("what a profile provides goes with its kind") {
    for (const std::string provides : {"mpich", "openmpi", "mpi-abi"}) {
        profile_of(R"({"kind": "mpi", "libraries": ["/a"], "provides": ")" + provides + "\"}");
    }
    for (const std::string provides : {"cuda", "rocm", "opencl", "level-zero"}) {
        CHECK(profile_of(R"({"kind": "gpu", "provides": ")" + provides + "\"}").kind ==
              StackKind::gpu);
    }
    CHECK(profile_of(R"({"kind": "fabric", "provides": "slingshot-11"})").provides ==
          "slingshot-11");
    CHECK(error_of(R"({"kind": "mpi", "libraries": ["/a"], "provides": "cuda"})").what ==
          "p.json: $: 'provides' of mpi is mpich, openmpi or mpi-abi, found 'cuda'");
    CHECK(error_of(R"({"kind": "gpu", "provides": "nvidia"})").what ==
          "p.json: $: 'provides' of gpu is cuda, rocm, opencl or level-zero, found 'nvidia'");
    for (const std::string word : {"", "two words", "UCX", "-a", "a/b"}) {
        error_of(R"({"kind": "fabric", "provides": ")" + word + "\"}");
    }
    CHECK(error_of(R"({"kind": "MPI", "provides": "mpich"})").what ==
          "p.json: $.kind: expected mpi, fabric or gpu, found 'MPI'");
}

TEST_CASE("a profile says its kind, what it provides and, for an MPI, a library") {
    CHECK(error_of("{}").what == "p.json: $: 'kind' is missing");
    CHECK(error_of(R"({"kind": "gpu"})").what == "p.json: $: 'provides' is missing");
    CHECK(error_of(R"({"kind": "mpi", "provides": "mpich"})").what ==
          "p.json: $: an MPI has at least one library in 'libraries'");
    error_of(R"({"kind": "mpi", "provides": "mpich", "libraries": []})");
}

TEST_CASE("an unknown key of a profile is refused with the nearest one that there is") {
    const Error error = error_of(mpich_with(R"("plugin": [])"));
    CHECK(error.what == "p.json: $.plugin: unknown key; did you mean 'plugins'?");
    CHECK(error_of(mpich_with(R"("data": [{"sorce": "/a"}])")).what ==
          "p.json: $.data[0].sorce: unknown key; did you mean 'source'?");
    CHECK(error_of(mpich_with(R"("with": [], "with": [])")).what == "p.json: $.with: given twice");
    CHECK(error_of(mpich_with(R"("priority": "high")")).hint.find("lading-profile.json(5)") !=
          std::string::npos);
}

TEST_CASE("every path of a profile is absolute and written as the kernel says it") {
    for (const std::string path : {"lib", "", "/a/../b", "/a//b", "/a/", "/", "/a\\u0000"}) {
        const std::string json = '"' + path + '"';
        error_of(R"({"kind": "mpi", "provides": "mpich", "libraries": [)" + json + "]}");
        error_of(mpich_with(R"("libraries": [{"path": )" + json + "}]"));
        error_of(mpich_with(R"("plugins": [)" + json + "]"));
        error_of(mpich_with(R"("plugins": [{"source": )" + json + "}]"));
        error_of(mpich_with(R"("data": [)" + json + "]"));
        error_of(mpich_with(R"("data": [{"source": "/a", "target": )" + json + "}]"));
        error_of(mpich_with(R"("devices": [)" + json + "]"));
        error_of(mpich_with(R"("programs": [)" + json + "]"));
    }
    CHECK(error_of(mpich_with(R"("data": ["/a", "/b//c"])")).what ==
          "p.json: $.data[1]: write '/b/c' instead of '/b//c'");
    CHECK(error_of(mpich_with(R"("devices": ["/etc/passwd"])")).what ==
          "p.json: $.devices[0]: expected a path below /dev, found '/etc/passwd'");
}

TEST_CASE("names in a profile are names") {
    for (const std::string name : {"", "a/b", "..", ".hidden", "a b", "-x"}) {
        error_of(R"({"kind": "gpu", "provides": "cuda", "libraries": [{"path": "/a", "names": [")" +
                 name + "\"]}]}");
    }
    for (const std::string name : {"", "../x", "a b", "-x"}) {
        error_of(mpich_with(R"("with": [")" + name + "\"]"));
    }
    error_of(mpich_with(R"("environment": {"A B": "x"})"));
    error_of(mpich_with(R"("environment": {"A": 1})"));
    error_of(mpich_with(R"("priority": -1)"));
    error_of(mpich_with(R"("priority": 99999999999)"));
}

TEST_CASE("a profile that says two things about one name is refused") {
    CHECK(error_of(R"({"kind": "gpu", "provides": "cuda", "libraries": ["/a", "/a"]})").what ==
          "p.json: $: the library /a is given twice");
    CHECK(error_of(R"({"kind": "gpu", "provides": "cuda", "libraries": [
              {"path": "/a", "names": ["x.so"]}, {"path": "/b", "names": ["x.so"]}]})")
              .what == "p.json: $: the name x.so is given twice");
    CHECK(error_of(mpich_with(R"("plugins": ["/a"], "data": [{"source": "/b", "target": "/a"}])"))
              .what == "p.json: $: two mounts on /a");
}

TEST_CASE("no damaged profile ends in anything but an error or a profile") {
    for_each_mutation(format_profile(whole()), 2000, [](const std::string& damaged) {
        const auto parsed = parse_profile(damaged, "n", "f");
        if (!parsed) {
            CHECK(parsed.error().code == Code::site);
            CHECK(parsed.error().what.find('\n') == std::string::npos);
        } else {
            const auto again = parse_profile(format_profile(*parsed), "n", "f");
            CHECK((again && *again == *parsed));
        }
    });
    error_of(std::string(2U << 20U, ' '));
}
