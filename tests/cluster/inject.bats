#!/usr/bin/env bats
# The host's libraries reach every kind of program, and the verdict is known before the job starts.
# Which file a program has mapped is told by its device and inode.
# may skip: this host has no OpenCL driver

load environment.bash

setup_file() {
    use_profiles
}

teardown_file() {
    forget_profiles
}

readonly bin=/opt/matrix/bin
readonly old=bullseye-mpich:matrix     # an older glibc than the host's libraries need
readonly plain=bookworm-mpich:matrix

# The host's file as a program's maps show it.
host_file() { admin stat -L -c %d:%i "/usr/lib/$(uname -m)-linux-gnu/$1"; }

# uses_host FILE: every line of ranks in the last `run` names that file of the host's.
uses_host() {
    local file
    file=$(host_file "$1")
    grep -q '^rank ' <<<"$output" || { echo "no rank spoke: $output"; return 1; }
    if grep '^rank ' <<<"$output" | grep -v " $file ok"; then
        echo "expected $file in every line"
        return 1
    fi
}

step() { alice timeout 60 srun --quiet -w n1 -N1 -n1 --mpi=pmi2 "$@"; }

@test "an MPI program of an older release runs over two nodes with the host's MPI" {
    run alice timeout 60 srun --quiet -N2 -n2 --mpi=pmi2 --container=$old $bin/hello_c leave
    ended 0
    has "rank 0 of 2"
    has "rank 1 of 2"
    uses_host libmpich.so.12
}

@test "a program without any environment gets the host's MPI" {
    for image in $plain $old; do
        run step --container=$image env -i $bin/hello_c
        ended 0
        uses_host libmpich.so.12
    done
}

@test "an overwritten LD_LIBRARY_PATH leads to the host's MPI all the same" {
    for image in $plain $old; do
        run step --container=$image env LD_LIBRARY_PATH="/usr/lib/$(uname -m)-linux-gnu" $bin/hello_c
        ended 0
        uses_host libmpich.so.12
    done
}

@test "a child of a child gets the host's MPI" {
    run step --container=$old sh -c "sh -c '$bin/hello_c; true'"
    ended 0
    uses_host libmpich.so.12
}

@test "a program that is marked set-user-id gets the host's MPI" {
    run step --container=$old --container-writable \
        sh -c "cp $bin/hello_c /opt/marked && chmod u+s /opt/marked && /opt/marked"
    ended 0
    uses_host libmpich.so.12
}

@test "a program outside of the image, built on the host, gets the host's MPI" {
    admin tee /home/alice/mpi_hello.c <"$BATS_TEST_DIRNAME/mpi_hello.c" >/dev/null
    admin mpicc.mpich -o /home/alice/hello_outside /home/alice/mpi_hello.c
    run alice timeout 60 srun --quiet -N2 -n2 --mpi=pmi2 --container=bookworm-none:matrix \
        ./hello_outside leave
    ended 0
    has "rank 1 of 2"
}

@test "without injection the image's own MPI is used" {
    run step --container=$plain --container-inject=none $bin/hello_c
    ended 0
    lacks "$(host_file libmpich.so.12)"
}

@test "static programs of the image keep the image's C library" {
    run step --container=$old $bin/hello_static
    ended 0
    has "ok"
}

@test "what cannot be given although a label demands it refuses the step, with the reason" {
    run step --container=$old --container-label=org.supercontainers.mpi=mpich $bin/hello_static
    ended 125
    has "hello_static is linked statically"
    has "lading check"
    wait_for 10 nodes_are_idle
}

@test "--container-on-mismatch=warn starts the step, and says what it lacks" {
    run step --container=$old --container-label=org.supercontainers.mpi=mpich \
        --container-on-mismatch=warn $bin/hello_static
    ended 0
    has "linked statically"
}

@test "--container-on-mismatch=none starts it in silence" {
    run step --container=$old --container-label=org.supercontainers.mpi=mpich \
        --container-on-mismatch=none $bin/hello_static
    ended 0
    lacks "lading:"
}

@test "--container-inject=mpi refuses what gets none" {
    run step --container=$old --container-inject=mpi $bin/hello_static
    ended 125
    has "NO_LIBC"
}

@test "libquadmath asks for a newer GLIBC than the image has: the image's own is kept" {
    run step --container=$old --container-workdir=/ sh -c \
        "stat -L -c %d:%i /usr/lib/x86_64-linux-gnu/libquadmath.so.0 && $bin/hello_fortran"
    ended 0
    uses_host libmpich.so.12
    lacks "$(host_file libquadmath.so.0)"
}

# libraries_of JOB: what the job's record says of them.
libraries_of() { alice lading record "$1" --json | jq -e '.images[0].libraries'; }

@test "what a node keeps of its stacks is believed only where nobody but root could have written it" {
    run step --container=$old $bin/hello_c
    ended 0
    on_node n1 chown alice /run/lading/stacks
    run step --container=$old $bin/hello_c
    ended 0
    uses_host libmpich.so.12
    run on_node n1 stat -c '%U %a' /run/lading/stacks
    ended 0
    has "root 644"
    on_node n1 chmod go+w /run/lading/stacks
    run step --container=$old $bin/hello_c
    ended 0
    run on_node n1 stat -c '%U %a' /run/lading/stacks
    has "root 644"
}

@test "the job's record says what was injected, what was kept, and why" {
    job=$(alice sbatch --parsable --wait -N1 --container=$old --wrap "$bin/hello_c" --output /dev/null)
    wait_for 30 libraries_of "$job"
    libraries=$(libraries_of "$job")
    [[ $(jq -r .verdicts.MPI <<<"$libraries") =~ ^(OK_GLIBC|DEGRADED)$ ]]
    jq -e '.profiles | index("mpich")' <<<"$libraries"
    jq -e '.injected[] | select(.[0] == "libmpich.so.12")' <<<"$libraries"
    jq -e '.kept | length > 0' <<<"$libraries"
    run alice lading record "$job"
    has "libmpich.so.12"
}

@test "the check says before the job what the job then gets" {
    run alice lading --config "$LADING_CLUSTER_DIR/etc/lading.json" check --json $old $bin/hello_c
    ended 0
    verdict=$(jq -r '.findings[] | select(.need == "MPI").verdict' <<<"$output")
    [[ $verdict == OK_GLIBC || $verdict == DEGRADED ]]
    [ "$(jq -r .libc.version <<<"$output")" != "" ]
    for source in $(jq -r '.files[].source' <<<"$output"); do
        admin test -f "$source"
    done
    mapfile -t targets < <(jq -r '.files[] | .targets[0]' <<<"$output")
    run step --container=$old ls "${targets[@]}"
    ended 0
}

@test "the check asks a compute node of a partition" {
    partition=$(admin sinfo --noheader --format=%R | head -n 1)
    run alice lading --config "$LADING_CLUSTER_DIR/etc/lading.json" check --on "$partition" $plain
    ended 0
    has "host  n"
    has "OK"
}

@test "OpenCL kernels compute with the host's driver, in old images too" {
    [ -e "$LADING_CLUSTER_DIR/etc/profiles.d/opencl.json" ] || skip "this host has no OpenCL driver"
    for image in bookworm-opencl:matrix bullseye-opencl:matrix; do
        run step --container=$image $bin/vector_sum
        ended 0
        has "libpocl"
        run step --container=$image clinfo -l
        ended 0
        has "Portable Computing Language"
    done
}

@test "images that were never imported are judged as well, and their index is kept" {
    admin install -o alice "$(image_file "$plain")" /home/alice/own.sqsh
    alice rm -rf /home/alice/.cache/lading
    for _ in first second; do
        run step --container=/home/alice/own.sqsh $bin/hello_c
        ended 0
        uses_host libmpich.so.12
        [ "$(alice find /home/alice/.cache/lading/indexes -type f -user alice | wc -l)" -eq 1 ]
    done
    run alice lading --config "$LADING_CLUSTER_DIR/etc/lading.json" check /home/alice/own.sqsh
    ended 0
    has "MPICH"
    alice rm -rf /home/alice/own.sqsh /home/alice/.cache/lading
}

@test "a directory is judged as well" {
    root=$("$repository/tests/matrix/images" bookworm-none)
    cp -a "$root/." "$LADING_CLUSTER_DIR/unpacked.none"
    run step --container="$LADING_CLUSTER_DIR/unpacked.none" $bin/hello_c
    rm -rf "$LADING_CLUSTER_DIR/unpacked.none"
    ended 0
    uses_host libmpich.so.12
}

@test "a mount over the image's libraries is the user's own decision" {
    run step --container=$plain --container-mounts=/usr/lib:/usr/lib:ro sh -c 'test ! -e /run/lading'
    ended 0
}

@test "a profile that others than root could have written is refused" {
    admin chmod o+w "$LADING_CLUSTER_DIR/etc/profiles.d/mpich.json"
    run step --container=$plain true
    admin chmod o-w "$LADING_CLUSTER_DIR/etc/profiles.d/mpich.json"
    ended 125
    has "mpich.json"
    wait_for 10 nodes_are_idle
}

@test "a library that changes on the node is read anew" {
    step --container=$plain true
    before=$(on_node n1 stat -c %i /run/lading/stacks)
    admin touch "$LADING_CLUSTER_DIR/etc/profiles.d/mpich.json"
    step --container=$plain true
    [ "$(on_node n1 stat -c %i /run/lading/stacks)" = "$before" ]
    admin sed -i 's/"mpich"/"mpich", "priority": 7/' "$LADING_CLUSTER_DIR/etc/profiles.d/mpich.json"
    step --container=$plain true
    [ "$(on_node n1 stat -c %i /run/lading/stacks)" != "$before" ]
}
