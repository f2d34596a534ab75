// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/cdi.hpp"

#include <algorithm>
#include <string>

#include "catch.hpp"
#include "contains.hpp"
#include "mutation.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

/// The shape of what nvidia-ctk 1.20 `cdi generate` writes, shortened.
const std::string kNvidia = R"(---
cdiVersion: 0.7.0
kind: nvidia.com/gpu
devices:
    - name: "0"
      containerEdits:
        deviceNodes:
            - path: /dev/nvidia0
              major: 195
              fileMode: 438
              permissions: rwm
            - path: /dev/dri/renderD128
              major: 226
              minor: 128
              fileMode: 0666
              permissions: rwm
              gid: 105
        hooks:
            - hookName: createContainer
              path: /usr/bin/nvidia-cdi-hook
              args:
                - nvidia-cdi-hook
                - create-symlinks
                - --link
                - ../renderD128::/dev/dri/by-path/pci-0000:00:04.0-render
              env:
                - NVIDIA_CTK_DEBUG=false
        additionalGids:
            - 39
    - name: GPU-955ef018-3bd9-5f27-80b3-fa20ee8d19c5
      containerEdits:
        deviceNodes:
            - path: /dev/nvidia0
    - name: all
      containerEdits:
        deviceNodes:
            - path: /dev/nvidia0
            - path: /dev/nvidia1
containerEdits:
    env:
        - NVIDIA_CTK_LIBCUDA_DIR=/usr/lib64
        - NVIDIA_VISIBLE_DEVICES=void
    deviceNodes:
        - path: /dev/nvidia-uvm
        - path: /dev/nvidiactl
    hooks:
        - hookName: createContainer
          path: /usr/bin/nvidia-cdi-hook
          args:
            - nvidia-cdi-hook
            - create-symlinks
            - --link
            - ../libnvidia-allocator.so.1::/usr/lib64/gbm/nvidia-drm_gbm.so
            - --link
            - libcuda.so.1::/usr/lib64/libcuda.so
            - --link
            - libcuda.so.615.71.09::/usr/lib64/libcuda.so.1
            - --link
            - libnvidia-opticalflow.so.1::/usr/lib64/libnvidia-opticalflow.so
          env:
            - NVIDIA_CTK_DEBUG=false
        - hookName: createContainer
          path: /usr/bin/nvidia-ctk
          args: [nvidia-ctk, hook, enable-cuda-compat, --host-driver-version=615.71.09]
        - hookName: createContainer
          path: /usr/bin/nvidia-ctk
          args: [nvidia-ctk, hook, update-ldcache, --folder, /usr/lib64]
        - hookName: createContainer
          path: /usr/bin/nvidia-cdi-hook
          args: [nvidia-cdi-hook, disable-device-node-modification]
        - hookName: createContainer
          path: /usr/bin/nvidia-cdi-hook
          args: [nvidia-cdi-hook, update-application-profile]
        - hookName: createRuntime
          path: /usr/bin/nvidia-cdi-hook
          args: [nvidia-cdi-hook, apply-cuda-memory-limits, --driver-root, "", --gpu-id, GPU-9]
    mounts:
        - hostPath: /usr/lib64/libcuda.so.615.71.09
          containerPath: /usr/lib64/libcuda.so.615.71.09
          options: [ro, nosuid, nodev, rbind, rprivate]
        - hostPath: /usr/lib64/libnvidia-opticalflow.so.615.71.09
          containerPath: /usr/lib64/libnvidia-opticalflow.so.615.71.09
          options: [ro, nosuid, nodev, rbind, rprivate]
        - hostPath: /usr/bin/nvidia-smi
          containerPath: /usr/bin/nvidia-smi
          options: [ro, nosuid, nodev, rbind, rprivate]
        - hostPath: /usr/share/vulkan/icd.d/nvidia_icd.x86_64.json
          containerPath: /etc/vulkan/icd.d/nvidia_icd.x86_64.json
          options: [ro, nosuid, nodev, rbind, rprivate]
)";

/// What amd-ctk `cdi generate` writes: one line, devices alone.
const std::string kAmd =
    R"({"cdiVersion":"0.6.0","kind":"amd.com/gpu","devices":[{"name":"0","containerEdits":)"
    R"({"deviceNodes":[{"path":"/dev/dri/card1","type":"c","major":226,"minor":1,)"
    R"("fileMode":432,"permissions":"rw","uid":0,"gid":44},{"path":"/dev/kfd","type":"c",)"
    R"("major":510,"fileMode":432,"permissions":"rw","uid":0,"gid":109}]}},{"name":"all",)"
    R"("containerEdits":{"deviceNodes":[{"path":"/dev/dri/card1"},{"path":"/dev/kfd"}]}}],)"
    R"("containerEdits":{}})";

CdiSpec spec_of(const std::string& text, const std::string& file = "v.json") {
    const auto parsed = parse_cdi(text, file);
    INFO(text);
    INFO((parsed ? "" : parsed.error().what));
    REQUIRE(parsed);
    return *parsed;
}

std::string error_of(const std::string& text, const std::string& file = "v.json") {
    const auto parsed = parse_cdi(text, file);
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::site);
    CHECK(parsed.error().what.starts_with(file + ": "));
    return parsed.error().what;
}

std::vector<Profile> profiles(const CdiSpec& spec) {
    const auto made = profiles_of(spec, "v.json");
    INFO((made ? "" : made.error().what));
    REQUIRE(made);
    return *made;
}

/// A specification of this version with these edits in its only device.
std::string with_edits(const std::string& version, const std::string& edits) {
    return R"({"cdiVersion": ")" + version +
           R"(", "kind": "vendor.com/device", "devices": [{"name": "d", "containerEdits": {)" +
           edits + "}}]}";
}

std::string refusal_of(const std::string& edits) {
    const auto made = profiles_of(spec_of(with_edits("1.1.0", edits)), "v.json");
    INFO(edits);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::site);
    CHECK(made.error().what.starts_with("v.json: vendor.com/device=d: "));
    return made.error().what;
}

std::string hook(const std::string& path, const std::string& args) {
    return R"("hooks": [{"hookName": "createContainer", "path": ")" + path + R"(", "args": [)" +
           args + "]}]";
}

}  // namespace

TEST_CASE("what NVIDIA's toolkit writes becomes a profile for each device") {
    const std::vector<Profile> made = profiles(spec_of(kNvidia, "nvidia.yaml"));
    REQUIRE(made.size() == 3);
    const Profile& first = made[0];
    CHECK(first.name == "nvidia.com/gpu=0");
    CHECK(made[1].name == "nvidia.com/gpu=GPU-955ef018-3bd9-5f27-80b3-fa20ee8d19c5");
    CHECK(made[2].name == "nvidia.com/gpu=all");
    CHECK(first.file == "v.json");
    CHECK(first.kind == StackKind::gpu);
    CHECK(first.provides == "cuda");
    CHECK(first.libraries ==
          std::vector<ProfileLibrary>{
              {{"/usr/lib64/libcuda.so.615.71.09"}, {"libcuda.so.1", "libcuda.so"}},
              {{"/usr/lib64/libnvidia-opticalflow.so.615.71.09"},
               {"libnvidia-opticalflow.so.1", "libnvidia-opticalflow.so"}}});
    CHECK(first.data ==
          std::vector<ProfileMount>{{{"/usr/share/vulkan/icd.d/nvidia_icd.x86_64.json"},
                                     {"/etc/vulkan/icd.d/nvidia_icd.x86_64.json"},
                                     true}});
    CHECK(first.programs == std::vector<HostPath>{{"/usr/bin/nvidia-smi"}});
    CHECK(first.devices ==
          std::vector<HostPath>{
              {"/dev/nvidia-uvm"}, {"/dev/nvidiactl"}, {"/dev/nvidia0"}, {"/dev/dri/renderD128"}});
    CHECK(first.environment ==
          std::map<std::string, std::string>{{"NVIDIA_CTK_LIBCUDA_DIR", "/usr/lib64"},
                                             {"NVIDIA_VISIBLE_DEVICES", "void"}});
    CHECK(made[2].devices.size() == 4);
}

TEST_CASE("what AMD's toolkit writes becomes a profile for each device") {
    const CdiSpec spec = spec_of(kAmd);
    CHECK(spec.devices[0].edits.device_nodes[1].major == 510);
    const std::vector<Profile> made = profiles(spec);
    REQUIRE(made.size() == 2);
    CHECK(made[0].name == "amd.com/gpu=0");
    CHECK(made[0].provides == "rocm");
    CHECK(made[0].devices == std::vector<HostPath>{{"/dev/dri/card1"}, {"/dev/kfd"}});
    CHECK(made[0].libraries.empty());
}

TEST_CASE("a kind that nobody knows keeps its name as what it provides") {
    const Profile profile = profiles(spec_of(with_edits("0.5.0", R"("env": ["A=b=c"])"))).front();
    CHECK(profile.provides == "vendor.com/device");
    CHECK(profile.environment == std::map<std::string, std::string>{{"A", "b=c"}});
    const std::string intel = R"({"cdiVersion": "0.5.0", "kind": "intel.com/gpu",
        "devices": [{"name": "card0"}]})";
    CHECK(profiles(spec_of(intel)).front().provides == "level-zero");
}

TEST_CASE("a device's variable beats that of the whole specification") {
    const std::string text = R"({"cdiVersion": "0.5.0", "kind": "vendor.com/device",
        "devices": [{"name": "d", "containerEdits": {"env": ["A=device"]}}],
        "containerEdits": {"env": ["A=all", "B=all"]}})";
    CHECK(profiles(spec_of(text)).front().environment ==
          std::map<std::string, std::string>{{"A", "device"}, {"B", "all"}});
}

TEST_CASE("a library is shown by the name that the container knows") {
    const Profile profile = profiles(spec_of(with_edits("0.4.0", R"("mounts": [
        {"hostPath": "/opt/v/libx.so.5.1", "containerPath": "/usr/lib/libx.so.1", "type": "bind"},
        {"hostPath": "/opt/v/libx.so.d", "containerPath": "/etc/x", "options": ["rw"]},
        {"hostPath": "/opt/v/bin/tool", "containerPath": "/usr/bin/tool"}])")))
                                .front();
    CHECK(profile.libraries ==
          std::vector<ProfileLibrary>{{{"/opt/v/libx.so.5.1"}, {"libx.so.1"}}});
    CHECK(profile.data ==
          std::vector<ProfileMount>{{{"/opt/v/libx.so.d"}, {"/etc/x"}, true},
                                    {{"/opt/v/bin/tool"}, {"/usr/bin/tool"}, true}});
}

TEST_CASE("a device that the container knows by another name is bound there") {
    const Profile profile = profiles(spec_of(with_edits("0.5.0", R"("deviceNodes": [
        {"path": "/dev/gpu", "hostPath": "/dev/vendor/7"}])")))
                                .front();
    CHECK(profile.devices == std::vector<HostPath>{{"/dev/vendor/7"}});
    CHECK(profile.data == std::vector<ProfileMount>{{{"/dev/vendor/7"}, {"/dev/gpu"}, true}});
    CHECK(contains(refusal_of(R"("deviceNodes": [{"path": "/dev/a", "hostPath": "/driver/a"}])"),
                   "the device /driver/a is not below /dev"));
}

TEST_CASE("no hook runs, and one that nobody knows refuses the device") {
    CHECK(refusal_of(hook("/opt/vendor/setup", R"("setup", "--all")")) ==
          "v.json: vendor.com/device=d: the hook createContainer: setup --all would run as root, "
          "and lading runs no hooks");
    // The name alone is not enough, nor is a known command of another program.
    refusal_of(hook("/usr/bin/nvidia-ctk", R"("nvidia-ctk", "hook", "something-new")"));
    refusal_of(hook("/usr/bin/nvidia-ctk", R"("nvidia-ctk")"));
    refusal_of(hook("/usr/bin/nvidia-ctk", ""));
    refusal_of(hook("/usr/bin/other", R"("nvidia-ctk", "hook", "update-ldcache")"));
    refusal_of(hook("/usr/bin/other", R"("other", "update-ldcache")"));
}

TEST_CASE("a library has the names of all links that lead to it") {
    const std::string edits =
        R"("mounts": [{"hostPath": "/l/libreal.so.5", "containerPath": "/l/libreal.so.5"}], )" +
        hook("/usr/bin/nvidia-cdi-hook", R"("nvidia-cdi-hook", "create-symlinks",
            "--link", "libnext.so.1::/l/liblast.so", "--link", "libmid.so.1::/l/libnext.so.1",
            "--link", "libreal.so.5::/l/libmid.so.1")");
    CHECK(profiles(spec_of(with_edits("0.4.0", edits))).front().libraries ==
          std::vector<ProfileLibrary>{
              {{"/l/libreal.so.5"}, {"libnext.so.1", "liblast.so", "libmid.so.1"}}});
}

TEST_CASE("links in circles and to what is not there end in no name") {
    const Profile profile =
        profiles(
            spec_of(with_edits(
                "0.4.0",
                R"("mounts": [{"hostPath": "/l/libx.so.5", "containerPath": "/l/libx.so.5"}], )" +
                    hook("/usr/bin/nvidia-cdi-hook", R"("nvidia-cdi-hook", "create-symlinks",
            "--link=liba.so.1::/l/libb.so.1", "--link", "libb.so.1::/l/liba.so.1",
            "--link", "libgone.so.9::/l/libgone.so", "--link", "libx.so.5::/l/libx.so")"))))
            .front();
    CHECK(profile.libraries == std::vector<ProfileLibrary>{{{"/l/libx.so.5"}, {"libx.so"}}});
}

TEST_CASE("what lading cannot do for a device refuses it") {
    CHECK(contains(refusal_of(R"("intelRdt": {"closID": "x"})"), "intelRdt"));
    CHECK(contains(refusal_of(R"("netDevices": [{"hostInterfaceName": "eth0", "name": "e"}])"),
                   "netDevices"));
    CHECK(contains(refusal_of(R"("mounts": [{"hostPath": "/a", "containerPath": "/b",
        "type": "tmpfs"}])"),
                   "a mount of type 'tmpfs' on /b"));
}

TEST_CASE("an unknown field of a specification is an error, as it demands") {
    CHECK(error_of(with_edits("0.5.0", R"("enviroment": [])")) ==
          "v.json: $.devices[0].containerEdits.enviroment: unknown key");
    CHECK(error_of(with_edits("0.5.0", R"("mount": [])")) ==
          "v.json: $.devices[0].containerEdits.mount: unknown key; did you mean 'mounts'?");
    CHECK(contains(error_of(kNvidia + "extra: 1\n", "n.yaml"), "n.yaml: $.extra: unknown key"));
    for (const std::string edits :
         {R"("deviceNodes": [{"path": "/dev/a", "x": 1}])", R"("hooks": [{"x": 1}])",
          R"("mounts": [{"x": 1}])", R"("intelRdt": {"x": 1})", R"("netDevices": [{"x": 1}])"}) {
        CHECK(contains(error_of(with_edits("1.1.0", edits)), "unknown key"));
    }
}

TEST_CASE("a field that the specification's version does not have yet is an error") {
    struct Young {
        std::string edits;
        std::string before;
        std::string since;
    };
    const Young kYoung[] = {
        {R"("mounts": [{"hostPath": "/a", "containerPath": "/a", "type": "bind"}])", "0.3.0",
         "0.4.0"},
        {R"("deviceNodes": [{"path": "/dev/a", "hostPath": "/dev/b"}])", "0.4.0", "0.5.0"},
        {R"("additionalGids": [5])", "0.6.0", "0.7.0"},
        {R"("intelRdt": {"enableCMT": true})", "0.6.0", "0.7.0"},
        {R"("intelRdt": {"schemata": ["L2:0=f"]})", "1.0.0", "1.1.0"},
        {R"("intelRdt": {"enableMonitoring": true})", "1.0.0", "1.1.0"},
        {R"("netDevices": [{"hostInterfaceName": "a", "name": "b"}])", "1.0.0", "1.1.0"},
    };
    for (const Young& young : kYoung) {
        spec_of(with_edits(young.since, young.edits));
        CHECK(contains(error_of(with_edits(young.before, young.edits)),
                       "not before CDI " + young.since + ", this file says " + young.before));
    }
    error_of(with_edits("1.1.0", R"("intelRdt": {"enableCMT": true})"));
    CHECK(contains(error_of(R"({"containerEdits": {}, "kind": "v.com/a.b", "devices":
        [{"name": "d"}], "cdiVersion": "0.5.0"})"),
                   "not before CDI 0.6.0"));
    CHECK(contains(error_of(R"({"kind": "v.com/d", "devices": [{"name": "0"}],
        "cdiVersion": "0.4.0"})"),
                   "$.devices[0].name: not before CDI 0.5.0"));
    CHECK(contains(error_of(R"({"kind": "v.com/d", "devices": [{"name": "d"}],
        "annotations": {"a": "b"}, "cdiVersion": "0.5.0"})"),
                   "not before CDI 0.6.0"));
}

TEST_CASE("versions, kinds and names of a specification are what it says they are") {
    const auto of = [](const std::string& version, const std::string& kind,
                       const std::string& name) {
        return R"({"cdiVersion": ")" + version + R"(", "kind": ")" + kind +
               R"(", "devices": [{"name": ")" + name + "\"}]}";
    };
    for (const std::string version :
         {"0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"}) {
        CHECK(spec_of(of(version, "vendor.com/foo", "d")).version == version);
    }
    for (const std::string version : {"", "0.2.0", "1.2.0", "v1.0.0", "1.0"}) {
        CHECK(contains(error_of(of(version, "v.com/d", "d")), "expected 0.3.0 to 1.1.0"));
    }
    for (const std::string kind : {"foo", "v.com/", "/d", "v.com/a/b", "v.com/-a", "v com/a"}) {
        CHECK(contains(error_of(of("1.0.0", kind, "d")), "expected vendor/class"));
    }
    spec_of(of("1.0.0", "foo.bar.baz/foo-bar123.B_az", "0:1"));
    for (const std::string name : {"", "-d", "d.", "a b", "a=b", "a/b"}) {
        CHECK(contains(error_of(of("1.0.0", "v.com/d", name)), "expected a device's name"));
    }
    error_of(R"({"cdiVersion": "1.0.0", "kind": "v.com/d", "devices": []})");
    error_of(R"({"cdiVersion": "1.0.0", "kind": "v.com/d"})");
    error_of(R"({"kind": "v.com/d", "devices": [{"name": "d"}]})");
    error_of(
        R"({"cdiVersion": "1.0.0", "kind": "v.com/d", "devices": [{"name": "d"}, {"name": "d"}]})");
}

TEST_CASE("values of a specification that mean nothing are errors") {
    for (const std::string edits :
         {R"("env": ["A"])", R"("env": ["=b"])", R"("env": ["A B=c"])", R"("env": [1])",
          R"("deviceNodes": [{}])", R"("deviceNodes": [{"path": "dev/a"}])",
          R"("deviceNodes": [{"path": "/dev/a", "type": "x"}])",
          R"("deviceNodes": [{"path": "/dev/a", "type": "bc"}])",
          R"("deviceNodes": [{"path": "/dev/a", "permissions": "rx"}])",
          R"("deviceNodes": [{"path": "/dev/a", "uid": 4294967296}])",
          R"("mounts": [{"hostPath": "/a"}])", R"("mounts": [{"containerPath": "/a"}])",
          R"("mounts": [{"hostPath": "/a/../b", "containerPath": "/a"}])",
          R"("hooks": [{"hookName": "x"}])", R"("hooks": [{"hookName": "x", "path": "x"}])",
          R"("additionalGids": [-1])", R"("env": null)"}) {
        error_of(with_edits("1.1.0", edits));
    }
}

TEST_CASE("what is written of a specification reads as the same one") {
    for (const CdiSpec& spec : {spec_of(kNvidia, "n.yaml"), spec_of(kAmd)}) {
        const std::string text = format_cdi(spec);
        CHECK(spec_of(text) == spec);
        CHECK(format_cdi(spec_of(text)) == text);
    }
    CdiSpec spec;
    spec.version = "1.1.0";
    spec.kind = "v.com/d";
    spec.annotations = {{"a", "b"}};
    spec.edits.net_devices = {{"eth0", "e"}};
    spec.edits.additional_gids = {0, 5};
    spec.edits.intel_rdt = CdiIntelRdt{"c", "l3", "mb", {"L2:0=f"}, true, false, false};
    spec.edits.hooks = {{"prestart", "/h", {"h", "-x"}, {"A=b"}, 5}};
    spec.edits.device_nodes = {{"/dev/a", "/dev/b", "c", 1, 2, 438, "rwm", 0, 44}};
    spec.devices = {{"d", {{"x", "y"}}, {}}};
    CHECK(spec_of(format_cdi(spec)) == spec);
}

TEST_CASE("no damaged specification ends in anything but an error or a specification") {
    const auto check = [](const std::string& damaged, const std::string& file) {
        const auto parsed = parse_cdi(damaged, file);
        if (parsed) {
            CHECK(spec_of(format_cdi(*parsed)) == *parsed);
            (void)profiles_of(*parsed, file);
        } else {
            CHECK(parsed.error().code == Code::site);
            CHECK(parsed.error().what.find('\n') == std::string::npos);
        }
    };
    for_each_mutation(kAmd, 1000, [&](const std::string& damaged) { check(damaged, "f.json"); });
    for_each_mutation(kNvidia, 500, [&](const std::string& damaged) { check(damaged, "f.yaml"); });
}
