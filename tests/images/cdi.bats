#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Another runtime gives a container the same libraries of the host's, by what `lading cdi` writes.
# Which file a program has mapped is told by its device and inode.
# may skip: podman does not run containers on this machine
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # variables of images.bash; each test is a subshell

# What all tests read, made once: profiles of this host, and where they lie.
setup_file() {
    [[ $EUID -eq 0 ]] || return 0
    [[ -n ${LADING_BIN:-} ]] && PATH=$LADING_BIN:$PATH
    mkdir "$BATS_FILE_TMPDIR/profiles"
    lading profile detect --output "$BATS_FILE_TMPDIR/profiles" >/dev/null
    jq -n --arg profiles "$BATS_FILE_TMPDIR/profiles" \
        '{inject: {profiles: $profiles, cdi: []}}' >"$BATS_FILE_TMPDIR/lading.json"
}

setup() {
    load images
    common_setup
    [[ $EUID -eq 0 ]] || skip "needs root"
    config=$BATS_FILE_TMPDIR/lading.json
}

# root_of IMAGE: one of the matrix's.
root_of() { "$tests/../matrix/images" "$1"; }

cdi() { lading --config "$config" cdi "$@"; }

# in_podman ROOT DEVICE COMMAND…: Podman 4.3 reads /etc/cdi and /var/run/cdi alone, so that it is
# shown ours there, in mounts of its own.
in_podman() {
    local root=$1 device=$2
    shift 2
    local -a words=(podman --root "$work/storage" --runroot "$work/run" --runtime runc
        --cgroup-manager cgroupfs run --rm --network=none
        --ulimit=nofile=1024:1024 --ulimit=nproc=4096:4096)
    [[ -z $device ]] || words+=("--device=$device")
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount -- sh -euc '
        cdi=$1
        shift
        mount -t tmpfs tmpfs /mnt
        mkdir /mnt/upper /mnt/work
        mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc
        mkdir -p /etc/cdi
        mount --bind "$cdi" /etc/cdi
        exec "$@"' sh "$work/cdi" "${words[@]}" --rootfs "$root:O" "$@"
}

podman_works() {
    mkdir -p "$work/cdi"
    in_podman "$1" "" true 2>/dev/null || skip "podman does not run containers on this machine"
}

host_file() { stat -L -c %d:%i "/usr/lib/$(uname -m)-linux-gnu/$1"; }

@test "podman runs an image of this release with the host's MPI" {
    root=$(root_of bookworm-mpich)
    podman_works "$root"
    run -0 cdi "$root" /opt/matrix/bin/hello_c --output cdi
    [[ $output == "lading/image=bookworm-mpich $work/cdi/bookworm-mpich.json" ]]
    run -0 in_podman "$root" lading/image=bookworm-mpich /opt/matrix/bin/hello_c
    [[ $output == *" $(host_file libmpich.so.12) ok"* ]]
    run -0 in_podman "$root" "" /opt/matrix/bin/hello_c
    [[ $output != *" $(host_file libmpich.so.12) ok"* ]]
}

@test "podman runs an image of an older release with the host's MPI and its glibc" {
    root=$(root_of bullseye-mpich)
    podman_works "$root"
    cdi "$root" /opt/matrix/bin/hello_c --output cdi --name old
    run -0 in_podman "$root" lading/image=old /opt/matrix/bin/hello_c
    [[ $output == *" $(host_file libmpich.so.12) ok"* ]]
    # The image's own programs, and those that load nothing of the host's.
    run -0 in_podman "$root" lading/image=old sh -c 'python3 -c "import ssl; print(6 * 7)"'
    [[ $output == 42 ]]
    run -0 in_podman "$root" lading/image=old /opt/matrix/bin/hello_static
    [[ $output == *ok* ]]
}

@test "nothing of what podman mounts is writable" {
    root=$(root_of bullseye-mpich)
    podman_works "$root"
    cdi "$root" --output cdi --name old
    run -0 in_podman "$root" lading/image=old sh -c 'grep -E " /run/lading/| /usr/lib/" /proc/self/mountinfo'
    [[ $output == */run/lading/ldso* ]]
    run ! grep -vE ' ro,nosuid,nodev' <<<"$output"
}

@test "devices of the profiles are there, and may be opened" {
    root=$(root_of bookworm-mpich)
    podman_works "$root"
    cp -r "$BATS_FILE_TMPDIR/profiles" .
    jq '.devices = ["/dev/fuse"]' "$BATS_FILE_TMPDIR/profiles/mpich.json" >profiles/mpich.json
    jq --arg profiles "$work/profiles" '.inject.profiles = $profiles' "$config" >with.json
    lading --config with.json cdi "$root" /opt/matrix/bin/hello_c --output cdi
    run -0 in_podman "$root" lading/image=bookworm-mpich sh -c 'exec 3</dev/fuse && echo open'
    [[ $output == open ]]
    run ! in_podman "$root" "" test -e /dev/fuse
}

@test "it says what the check says: the same files at the same places" {
    root=$(root_of bookworm-mpich)
    lading --config "$config" check --json "$root" | jq -r '
        (.mounts[] | "\(.source) \(.target)"),
        (.files[] | .source as $source | .targets[] | "\($source) \(.)")' >expected
    cdi "$root" | jq -r '.devices[0].containerEdits.mounts[] | "\(.hostPath) \(.containerPath)"' >found
    grep -q libmpich.so.12 expected
    same "$(<expected)" "$(<found)"
}

@test "the same question gives the same bytes, printed or written" {
    root=$(root_of bookworm-mpich)
    cdi "$root" >first.json
    cdi "$root" --output cdi
    cmp first.json cdi/bookworm-mpich.json
    cdi "$root" --output cdi
    cmp first.json cdi/bookworm-mpich.json
    [[ $(ls cdi) == bookworm-mpich.json ]]
}

@test "where the host's glibc comes along the files of its loader need a directory" {
    root=$(root_of bullseye-mpich)
    run -2 cdi "$root" /opt/matrix/bin/hello_c
    [[ $output == *"C library"*"--output DIR"* ]]
    cdi "$root" /opt/matrix/bin/hello_c --output cdi
    [[ -x cdi/bullseye-mpich.files/ld.so && -s cdi/bullseye-mpich.files/ldso ]]
}

@test "what a step would be refused for is an error here, with the reason" {
    root=$(root_of bullseye-mpich)
    run -6 cdi "$root" /opt/matrix/bin/hello_static --label org.supercontainers.mpi=mpich --output cdi
    [[ $output == *"linked statically"* ]]
    [[ ! -e cdi ]]
}

@test "another's specification is not replaced" {
    root=$(root_of bookworm-mpich)
    mkdir cdi
    echo '{"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": []}' >cdi/nvidia.json
    run -4 cdi "$root" --output cdi --name nvidia
    [[ $output == *"not lading's"* ]]
    run -2 cdi "$root" --name 'no name'
}

@test "what lading wrote is no device of the host's" {
    root=$(root_of bookworm-mpich)
    cdi "$root" --output cdi
    jq --arg cdi "$work/cdi" '.inject.cdi = [$cdi]' "$config" >both.json
    run -0 lading --config both.json profile list
    [[ $output != *lading/image* ]]
}
