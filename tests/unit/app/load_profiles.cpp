// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/load_profiles.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "catch.hpp"
#include "contains.hpp"
#include "temporary_directory.hpp"

using namespace lading;
using namespace lading::app;

namespace {

const std::string kUcx = R"({"kind": "fabric", "provides": "ucx"})";

std::string cdi_json(const std::string& variable) {
    return R"({"cdiVersion": "0.6.0", "kind": "amd.com/gpu", "devices": [{"name": "0",
        "containerEdits": {"env": [")" +
           variable + R"("]}}]})";
}

ProfileSources sources(const TemporaryDirectory& directory) {
    return {directory / "profiles.d", {directory / "etc-cdi", directory / "run-cdi"}, false};
}

std::vector<std::string> names(const TemporaryDirectory& directory) {
    const auto loaded = load_profiles(sources(directory));
    INFO((loaded ? "" : loaded.error().what));
    REQUIRE(loaded);
    std::vector<std::string> names;
    for (const Profile& profile : *loaded) {
        names.push_back(profile.name);
    }
    return names;
}

Error error_of(const ProfileSources& from) {
    const auto loaded = load_profiles(from);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == Code::site);
    return loaded.error();
}

}  // namespace

TEST_CASE("a node without profiles has none") {
    const TemporaryDirectory directory;
    CHECK(names(directory).empty());
}

TEST_CASE("profiles are loaded by name, then devices") {
    const TemporaryDirectory directory;
    directory.write("profiles.d/b.json", kUcx);
    directory.write("profiles.d/a.json", kUcx);
    directory.write("profiles.d/README", "no profile");
    directory.write("profiles.d/a.json.rpmsave", "no profile");
    directory.write("profiles.d/.a.json", "no profile");
    directory.write("etc-cdi/amd.json", cdi_json("A=1"));
    directory.write("run-cdi/v.yaml", "cdiVersion: 0.5.0\nkind: v.com/x\ndevices:\n- name: d\n");
    directory.write("run-cdi/w.yml", "cdiVersion: 0.5.0\nkind: w.com/x\ndevices:\n- name: d\n");
    CHECK(names(directory) ==
          std::vector<std::string>{"a", "b", "amd.com/gpu=0", "v.com/x=d", "w.com/x=d"});
    CHECK(load_profiles(sources(directory))->front().file == directory / "profiles.d/a.json");
}

TEST_CASE("a later directory's device replaces an earlier one's") {
    const TemporaryDirectory directory;
    directory.write("etc-cdi/amd.json", cdi_json("A=old"));
    directory.write("run-cdi/amd.json", cdi_json("A=new"));
    const auto loaded = load_profiles(sources(directory));
    REQUIRE(loaded);
    REQUIRE(loaded->size() == 1);
    CHECK(loaded->front().environment.at("A") == "new");
    CHECK(loaded->front().file == directory / "run-cdi/amd.json");
}

TEST_CASE("two files of one directory may not describe the same device") {
    const TemporaryDirectory directory;
    directory.write("etc-cdi/a.json", cdi_json("A=1"));
    directory.write("etc-cdi/b.json", cdi_json("A=2"));
    CHECK(error_of(sources(directory)).what == directory / "etc-cdi/b.json" +
                                                   ": the device amd.com/gpu=0 is in " +
                                                   directory / "etc-cdi/a.json" + " as well");
}

TEST_CASE("a profile that is wrong or cannot be read is an error that names it") {
    const TemporaryDirectory directory;
    directory.write("profiles.d/a.json", R"({"kind": "fabric"})");
    CHECK(error_of(sources(directory)).what ==
          directory / "profiles.d/a.json" + ": $: 'provides' is missing");
    directory.write("profiles.d/a.json", kUcx);
    directory.write("run-cdi/x.yaml", "a: [");
    CHECK(error_of(sources(directory)).what.starts_with(directory / "run-cdi/x.yaml" + ": line "));
    std::filesystem::remove(directory / "run-cdi/x.yaml");
    std::filesystem::create_symlink("/nowhere", directory / "profiles.d/gone.json");
    CHECK(contains(error_of(sources(directory)).what, "profiles.d/gone.json"));
    std::filesystem::remove(directory / "profiles.d/gone.json");
    std::filesystem::create_directory(directory / "profiles.d/d.json");
    CHECK(contains(error_of(sources(directory)).what, "profiles.d/d.json"));
    std::filesystem::remove(directory / "profiles.d/d.json");
    // A FIFO must not make the step wait.
    REQUIRE(mkfifo((directory / "profiles.d/f.json").c_str(), 0600) == 0);
    CHECK(contains(error_of(sources(directory)).what, "profiles.d/f.json"));
    std::filesystem::remove(directory / "profiles.d/f.json");
    directory.write("profiles.d/big.json", std::string(2U << 20U, ' '));
    CHECK(contains(error_of(sources(directory)).what, "profiles.d/big.json"));
}

TEST_CASE("a profile comes with others that are there; devices may be missing") {
    const TemporaryDirectory directory;
    directory.write("profiles.d/m.json", R"({"kind": "mpi", "provides": "mpich",
        "libraries": ["/l"], "with": ["ucx", "nvidia.com/gpu=all"]})");
    CHECK(error_of(sources(directory)).what ==
          directory / "profiles.d/m.json" + ": $.with: there is no profile 'ucx'");
    directory.write("profiles.d/ucx.json", kUcx);
    CHECK(names(directory) == std::vector<std::string>{"m", "ucx"});
}

TEST_CASE("where root decides by them, only root may have written profiles") {
    const TemporaryDirectory directory;
    directory.write("profiles.d/a.json", kUcx);
    ProfileSources from = sources(directory);
    from.root_only = true;
    if (getuid() != 0) {
        CHECK(contains(error_of(from).what, "can be written by others than root"));
        return;
    }
    CHECK(load_profiles(from));
    REQUIRE(chmod((directory / "profiles.d/a.json").c_str(), 0664) == 0);
    CHECK(error_of(from).what ==
          directory / "profiles.d/a.json" + " can be written by others than root");
    REQUIRE(chmod((directory / "profiles.d/a.json").c_str(), 0644) == 0);
    REQUIRE(chmod((directory / "profiles.d").c_str(), 0777) == 0);
    CHECK(error_of(from).what == directory / "profiles.d" + " can be written by others than root");
    REQUIRE(chmod((directory / "profiles.d").c_str(), 0755) == 0);
    REQUIRE(chown((directory / "profiles.d/a.json").c_str(), 1, 1) == 0);
    CHECK(contains(error_of(from).what, "profiles.d/a.json can be written"));
    from.root_only = false;
    CHECK(load_profiles(from));
}
