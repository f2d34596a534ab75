#!/bin/bash
# Builds lading and runs every test, on a machine that needs nothing but Debian's packages.
set -euo pipefail
cd "$(dirname -- "$(readlink -f -- "$0")")/.."

usage() {
    cat <<'END'
Usage: sudo tests/run.sh [--all-slurm] [--matrix] [-- CTEST OPTION…]

Installs what is missing, builds without a warning, and runs the unit tests (also under
AddressSanitizer and UBSan), the parsers of hostile bytes under libFuzzer for some seconds, the
tests of the applier in namespaces, and the tests on a real Slurm cluster on this machine.

  --matrix      images of four Debian releases, each with two MPIs, and some odd ones, on each host
  --all-slurm   the cluster tests on every Slurm release: Debian 12 (22.05), 13 (24.11), sid (26.05)
END
}

suites=bookworm
while [[ $# -gt 0 ]]; do
    case $1 in
    --matrix)
        LADING_MATRIX_IMAGES="$(tests/matrix/images --list) bookworm-lammps"
        export LADING_MATRIX_IMAGES
        ;;
    --all-slurm) suites='bookworm;trixie;sid' ;;
    -h | --help) usage && exit ;;
    --) shift && break ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
if [[ $EUID -ne 0 ]]; then
    echo "tests/run.sh: the tests make namespaces and a cluster: run it as root (sudo tests/run.sh)" >&2
    exit 2
fi

contrib/packages-install build run cluster roots test mpi opencl
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}

# The unit tests once more, with every access checked: no floor 5, so that nothing of Slurm runs.
cmake --preset asan
cmake --build --preset asan --target unit_tests
ctest --preset asan --label-regex unit

# The parsers of hostile bytes under libFuzzer, for seconds: that they stay alive.
cmake --preset fuzz
cmake --build --preset fuzz --target fuzzers
ctest --preset fuzz

# Not below the source tree: every user of the cluster must reach it, wherever this clone lies.
prefix=${LADING_CACHE:-/var/cache/lading}/test-install
rm -rf "$prefix"
cmake --preset release -DLADING_TEST_SUITES="$suites" \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DLADING_PLUGIN_DIR="$prefix/lib/slurm"
cmake --build --preset release
cmake --install build/release
exec ctest --preset release "$@"
