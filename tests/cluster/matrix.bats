#!/usr/bin/env bats
# Every program of every image, twice: the verdict is asked, then the program is run on two nodes,
# and must have done what the verdict said.
# may skip: only with tests/run.sh --matrix

load environment.bash

setup_file() {
    use_profiles
}

teardown_file() {
    forget_profiles
}

matrix() {
    lading images --store "$LADING_CLUSTER_DIR/store" | grep -q "^$1  *matrix" ||
        skip "only with tests/run.sh --matrix"
    timeout 240 "$repository/tests/matrix/matrix" "$1"
}

lading() { admin lading "$@"; }

@test "bullseye with MPICH" { matrix bullseye-mpich; }
@test "bullseye with Open MPI" { matrix bullseye-openmpi; }
@test "bookworm with MPICH" { matrix bookworm-mpich; }
@test "bookworm with Open MPI" { matrix bookworm-openmpi; }
@test "trixie with MPICH" { matrix trixie-mpich; }
@test "trixie with Open MPI" { matrix trixie-openmpi; }
@test "sid with MPICH" { matrix sid-mpich; }
@test "sid with Open MPI" { matrix sid-openmpi; }
@test "an MPI of its own prefix, found by RPATH" { matrix bookworm-spack; }
@test "no MPI at all" { matrix bookworm-none; }
@test "musl" { matrix bookworm-musl; }
