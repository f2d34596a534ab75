# shellcheck shell=bash
# What every test on the cluster uses.
# shellcheck disable=SC2154  # bats sets status and output

export LADING_CLUSTER_DIR=${LADING_CLUSTER_DIR:-/var/lib/lading-test-${LADING_SUITE:-bookworm}}
repository=$(readlink -f -- "$(dirname -- "${BASH_SOURCE[0]}")/../..")
readonly repository
export IMAGE=atse:1.2.4

cluster() {
    "$repository/contrib/cluster/cluster" "$@"
}

# On the login node, in alice's home; and as others.
alice() { cluster exec --as alice --chdir /home/alice -- "$@"; }
bob() { cluster exec --as bob --chdir /home/bob -- "$@"; }
admin() { cluster exec -- "$@"; }
on_node() {
    local node=$1
    shift
    cluster exec --node "$node" -- "$@"
}

# image_file [NAME]: the squashfs file of an image, by default of the one that most tests run.
image_file() {
    local digest
    digest=$(admin lading inspect --store "$LADING_CLUSTER_DIR/store" --json "${1:-$IMAGE}" | jq -r .squashfs.digest)
    printf '%s/store/blobs/sha256/%s' "$LADING_CLUSTER_DIR" "${digest#sha256:}"
}

# The site's profiles are those that the nodes' own libraries are described by.
use_profiles() {
    local config=$LADING_CLUSTER_DIR/etc/lading.json profiles=$LADING_CLUSTER_DIR/etc/profiles.d
    admin rm -rf "$profiles"
    admin mkdir "$profiles"
    admin lading profile detect --output "$profiles" >/dev/null
    cp "$config" "$config.before"
    jq --arg profiles "$profiles" '.inject = {profiles: $profiles}' "$config.before" >"$config"
}

forget_profiles() {
    mv "$LADING_CLUSTER_DIR/etc/lading.json.before" "$LADING_CLUSTER_DIR/etc/lading.json"
}

# wait_for SECONDS COMMAND…: polls a condition; fails when it did not come true in time.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            echo "did not come true in time: $*" >&2
            return 1
        fi
        read -rt 0.1 <> <(:) || true
    done
}

# submit OPTION… : runs `sbatch --wait` with a script from standard input; prints what it printed.
submit() {
    local script=/home/alice/job-$BATS_TEST_NUMBER-$RANDOM.sh status=0
    admin tee "$script" >/dev/null
    alice sbatch --quiet --wait --output="$script.out" "$@" "$script" || status=$?
    # The output of a node arrives through the shared home.
    alice cat "$script.out"
    admin rm -f "$script" "$script.out"
    return "$status"
}

# has TEXT: the last `run` printed it.
has() {
    if [[ $output != *"$1"* ]]; then
        echo "expected in the output: $1"
        echo "the output (status $status):"
        echo "$output"
        return 1
    fi
}

lacks() {
    if [[ $output == *"$1"* ]]; then
        echo "not expected in the output: $1"
        echo "$output"
        return 1
    fi
}

# ended STATUS: the exit status of the last `run`.
ended() {
    if [[ $status -ne $1 ]]; then
        echo "expected exit status $1, found $status; the output:"
        echo "$output"
        return 1
    fi
}

# No node may be drained by what a user does.
nodes_are_idle() {
    local states
    states=$(admin sinfo --noheader --format=%T | sort -u)
    [[ $states == idle ]] || {
        admin sinfo --list-reasons
        echo "states: $states"
        return 1
    }
}
