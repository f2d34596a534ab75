#!/usr/bin/env bats
# GPU drivers come by the vendors' own CDI specifications.  No GPU is needed: libraries that stand
# for the drivers tell who was loaded, and the specifications have the vendors' shape.
# shellcheck disable=SC2154 # status and output are bats's

load environment.bash

readonly gpu=$LADING_CLUSTER_DIR/gpu  # what a vendor's installer would have put on the node
readonly driver=535.104.05            # of CUDA 12.2
readonly config=$LADING_CLUSTER_DIR/etc/lading.json

# library FILE SONAME GCC ARGUMENT…: a library of a driver's, with the links of an installation.
library() {
    local file=$1 soname=$2
    shift 2
    admin gcc -shared -fPIC -o "$gpu/lib/$file" -Wl,-soname,"$soname" "$gpu/gpu_driver.c" "$@"
    [[ $file == "$soname" ]] || admin ln -s "$file" "$gpu/lib/$soname"
    admin ln -s "$soname" "$gpu/lib/${soname%.so*}.so"
}

build_drivers() {
    local source
    admin mkdir -p "$gpu/lib" "$gpu/bin" "$gpu/cdi"
    for source in gpu_driver.c gpu_hello.c; do
        admin tee "$gpu/$source" <"$BATS_TEST_DIRNAME/$source" >/dev/null
    done
    library libcuda.so.$driver libcuda.so.1 -DLIBCUDA=12020
    library libnvidia-ptxjitcompiler.so.$driver libnvidia-ptxjitcompiler.so.1 -DCOMPILER=12020
    library libnvidia-ml.so.$driver libnvidia-ml.so.1 -DMANAGEMENT
    library libhsa-runtime64.so.1.13.60200 libhsa-runtime64.so.1 -DLIBHSA=60200
    library libamdhip64.so.6.2.60200 libamdhip64.so.6 -DLIBHIP=60200 -L"$gpu/lib" -lhsa-runtime64
    admin gcc -DCUDA -o "$gpu/cuda_hello" "$gpu/gpu_hello.c" -L"$gpu/lib" -lcuda
    admin gcc -o "$gpu/hip_hello" "$gpu/gpu_hello.c" -L"$gpu/lib" -lamdhip64 -Wl,--allow-shlib-undefined
    printf '#!/bin/sh\necho "NVIDIA-SMI %s"\n' $driver | admin tee "$gpu/bin/nvidia-smi" >/dev/null
    admin chmod 755 "$gpu/bin/nvidia-smi"
}

# As `nvidia-ctk cdi generate` of version 1.17 writes it.
write_nvidia_spec() {
    local name
    cat <<END
---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: all
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  deviceNodes:
  - path: /dev/nvidia-uvm
  - path: /dev/nvidiactl
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, create-symlinks, --link, libcuda.so.1::$gpu/lib/libcuda.so]
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, enable-cuda-compat, --host-driver-version=$driver]
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, update-ldcache, --folder, $gpu/lib]
  mounts:
END
    for name in lib/lib{cuda,nvidia-ml,nvidia-ptxjitcompiler}.so.$driver bin/nvidia-smi; do
        printf '  - {hostPath: %s, containerPath: %s, options: [ro, nosuid, nodev, bind]}\n' \
            "$gpu/$name" "$gpu/$name"
    done
}

# As AMD's container toolkit writes it, with the mounts that it leaves to the image.
write_amd_spec() {
    jq -n --arg lib "$gpu/lib" '{
        cdiVersion: "0.6.0",
        kind: "amd.com/gpu",
        containerEdits: {
            deviceNodes: [{path: "/dev/kfd", hostPath: "/dev/kfd", permissions: "rw"}],
            mounts: (["libhsa-runtime64.so.1.13.60200", "libamdhip64.so.6.2.60200"] |
                map({hostPath: "\($lib)/\(.)", containerPath: "\($lib)/\(.)",
                     options: ["ro", "nosuid", "nodev", "bind"]}))
        },
        devices: [{name: "all", containerEdits: {
            deviceNodes: [{path: "/dev/dri/renderD128", hostPath: "/dev/dri/renderD128",
                           permissions: "rw"}]}}]}'
}

# The smallest root with a shell: what the tests' image is made of, and programs for GPUs.
make_root() {
    local root=$1 base name
    base=$("$repository/contrib/base-image")
    mkdir -p "$root"/{dev,etc,home,proc,run,sys,tmp,var,usr/bin,usr/lib64}
    mkdir "$root/usr/lib" "$root/usr/lib/x86_64-linux-gnu"
    ln -s usr/bin usr/lib usr/lib64 "$root"
    for name in "$base"/{etc/{passwd,group},etc/ld.so.conf*,usr/bin/{sh,dash,env,stat,grep}} \
        "$base"/usr/lib64/ld-linux-x86-64.so.2 \
        "$base"/usr/lib/x86_64-linux-gnu/{ld-linux-x86-64.so.2,lib{c,dl,pthread,selinux,pcre*}.so.*}; do
        cp -a "$name" "$root/${name#"$base"/}"
    done
    touch "$root"/etc/{hosts,resolv.conf}
    ldconfig -r "$root"
    cp "$gpu/cuda_hello" "$gpu/hip_hello" "$root/usr/bin"
}

# An image whose environment says what its programs ask of the driver, as NVIDIA's own do.
import_with_requirement() {
    local layout=$BATS_FILE_TMPDIR/layout
    umoci init --layout "$layout"
    umoci new --image "$layout:1"
    umoci insert --image "$layout:1" "$1" / >/dev/null
    umoci config --image "$layout:1" \
        --config.env 'NVIDIA_REQUIRE_CUDA=cuda>=12.9 brand=tesla,driver>=550,driver<551'
    import_image "$layout:1" gpu-new:test
}

import_image() {
    "$LADING_BIN/lading" import "$@" --store "$LADING_CLUSTER_DIR/store" >/dev/null
}

setup_file() {
    local root=$BATS_FILE_TMPDIR/root compat=usr/local/cuda-12.9/compat
    admin rm -rf "$gpu"
    build_drivers
    write_nvidia_spec | admin tee "$gpu/cdi/nvidia.yaml" >/dev/null
    write_amd_spec | admin tee "$gpu/cdi/amd.json" >/dev/null
    make_root "$root"
    import_image "$root" gpu:test
    import_with_requirement "$root"
    mkdir -p "$root/$compat"
    admin gcc -shared -fPIC -o "$gpu/newer" -Wl,-soname,libcuda.so.1 -DLIBCUDA=12090 "$gpu/gpu_driver.c"
    cp "$gpu/newer" "$root/$compat/libcuda.so.575.51.03"
    ln -s libcuda.so.575.51.03 "$root/$compat/libcuda.so.1"
    import_image "$root" gpu-compat:test
    cp -a "$config" "$config.before-gpu"
    jq --arg cdi "$gpu/cdi" '.inject.cdi = [$cdi]' "$config.before-gpu" >"$config.gpu"
    mv "$config.gpu" "$config"
}

teardown_file() {
    local name
    [[ ! -e $config.before-gpu ]] || mv "$config.before-gpu" "$config"
    for name in gpu gpu-new gpu-compat; do
        "$LADING_BIN/lading" rm "$name:test" --store "$LADING_CLUSTER_DIR/store" || true
    done
    rm -rf "$gpu"
}

# The host's file as a program's maps show it.
host_file() { admin stat -c %d:%i "$gpu/lib/$1"; }

step() { alice timeout 60 srun --quiet -w n4 -N1 -n1 "$@"; }
check() { alice lading --config "$config" check "$@"; }

@test "a CUDA program finds the host's driver, all of one release" {
    run step --container=gpu:test cuda_hello
    ended 0
    [[ $output == "driver 12020 is $(host_file libcuda.so.$driver)" ]]
    run step --container=gpu:test env -i cuda_hello
    ended 0
    has "driver 12020"
}

@test "the driver's programs and environment come along" {
    # shellcheck disable=SC2016 # for the container's shell
    run step --container=gpu:test --container-label=org.supercontainers.gpu=cuda \
        sh -c "$gpu/bin/nvidia-smi"' && echo "$NVIDIA_VISIBLE_DEVICES"'
    ended 0
    has "NVIDIA-SMI $driver"
    has "void"
}

@test "the check says OK, and names the driver" {
    run check --json gpu:test cuda_hello
    ended 0
    [[ $(jq -r '.findings[] | select(.need == "GPU") | "\(.verdict): \(.offers)"' <<<"$output") == \
        "OK: nvidia.com/gpu=all ($gpu/lib/libcuda.so.$driver)" ]]
}

@test "an image without a use for a GPU gets nothing of the driver" {
    # shellcheck disable=SC2016 # for the container's shell
    run step --container="$IMAGE" sh -c 'grep libcuda /proc/self/mountinfo; echo "<$NVIDIA_VISIBLE_DEVICES>"'
    ended 0
    [[ $output == "<>" ]]
}

@test "a label alone brings the driver, under every name that the vendor gives it" {
    libraries=/usr/lib/$(uname -m)-linux-gnu
    run step --container="$IMAGE" --container-label=org.supercontainers.gpu=cuda \
        stat -c %d:%i "$libraries/libcuda.so.1" "$libraries/libcuda.so"
    ended 0
    file=$(host_file libcuda.so.$driver)
    [[ $output == "$file"$'\n'"$file" ]]
}

@test "an image that asks for a newer CUDA than the driver has is refused, with the reason" {
    run step --container=gpu-new:test cuda_hello
    ended 125
    has "cuda>=12.9 (NVIDIA_REQUIRE_CUDA)"
    has "driver $driver has CUDA 12.2"
    wait_for 20 nodes_are_idle
    run check gpu-new:test cuda_hello
    ended 6
    has "driver $driver has CUDA 12.2"
}

@test "NVIDIA_DISABLE_REQUIRE lifts the demand, as with NVIDIA's own runtime" {
    NVIDIA_DISABLE_REQUIRE=1 run step --container=gpu-new:test cuda_hello
    ended 0
    has "driver 12020"
}

@test "the image's own newer libcuda gives way to the host's, and the check says so" {
    run check gpu-compat:test cuda_hello
    ended 0
    has "/usr/local/cuda-12.9/compat/libcuda.so.575.51.03 (forward compatibility) is not used"
    run step --container=gpu-compat:test env LD_LIBRARY_PATH=/usr/local/cuda-12.9/compat cuda_hello
    ended 0
    has "driver 12020 is $(host_file libcuda.so.$driver)"
}

@test "a ROCm program finds the host's runtime, and what that needs" {
    run check gpu:test hip_hello
    ended 0
    has "ROCm (libamdhip64.so.6)"
    run step --container=gpu:test hip_hello
    ended 0
    [[ $output == "driver 60200 is $(host_file libamdhip64.so.6.2.60200)" ]]
}

@test "without injection there is no driver" {
    # shellcheck disable=SC2016 # for the container's shell
    run step --container=gpu:test --container-inject=none sh -c 'cuda_hello; echo "status $?"'
    ended 0
    has "libcuda.so.1: cannot open shared object file"
    has "status 127"
}
