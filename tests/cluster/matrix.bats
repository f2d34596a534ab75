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

@test "LAMMPS melts 4,000 atoms on two nodes with the host's MPI, to the same energies" {
    image=bookworm-lammps:matrix
    lading images --store "$LADING_CLUSTER_DIR/store" | grep -q "^bookworm-lammps  *matrix" ||
        skip "only with tests/run.sh --matrix"
    melt() {
        alice timeout 120 srun --quiet --mpi=pmix --container-image=$image --container-workdir=/tmp \
            "$@" lmp -log none -in /opt/matrix/share/in.melt
    }
    energies() { awk '/^Step/ {on = 1; next} /^Loop/ {on = 0} on {print $1, $2, $5}'; }
    run alice lading --config "$LADING_CLUSTER_DIR/etc/lading.json" check --json $image lmp
    [ "$(jq -r '.findings[] | select(.need == "MPI").refuses' <<<"$output")" = false ]
    melt -N2 -n2 >"$BATS_TEST_TMPDIR/together"
    melt -N1 -n1 --container-inject=none >"$BATS_TEST_TMPDIR/alone"
    grep -q 'on 2 procs' "$BATS_TEST_TMPDIR/together"
    energies <"$BATS_TEST_TMPDIR/alone" >"$BATS_TEST_TMPDIR/expected"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -eq 5 ]
    energies <"$BATS_TEST_TMPDIR/together" | diff - "$BATS_TEST_TMPDIR/expected"
}
