#!/usr/bin/env bats
# What jobs need stays in the store until they end.
# shellcheck disable=SC2154  # bats sets status and output

load environment.bash

setup() {
    store=$LADING_CLUSTER_DIR/store
}

teardown() {
    admin scancel --quiet --user=alice || true
    admin scancel --quiet --user=bob || true
    wait_for 30 nodes_are_idle
    admin "$LADING_BIN/lading" rm held:1 --store "$store" || true
    collect || true
}

lading_there() { admin "$LADING_BIN/lading" "$@"; }
collect() { lading_there gc --store "$store" --older-than 0; }

# image NAME WORD: its digest.
image() {
    local root=$LADING_CLUSTER_DIR/source-$2
    install -D "$LADING_TEST_TOOLS/read_neighbour" "$root/bin/program"
    printf '%s' "$2" >"$root/which"
    lading_there import "$root" "$1" --store "$store" >/dev/null
    lading_there inspect "$1" --store "$store" --json | jq -r .digest
}

stored() { lading_there inspect "held@$1" --store "$store" >/dev/null; }
running() { [ "$(admin squeue -h -j "$1" -o %T)" = RUNNING ]; }
gone() { [ -z "$(admin squeue -h -j "$1" -o %T)" ]; }
record_of() { admin squeue -h -j "$1" -O admin_comment:.4096; }
names() { record_of "$1" | grep -q "$2"; }

@test "a held job keeps the image that its tag named when it was submitted" {
    old=$(image held:1 old)
    job=$(alice sbatch --parsable --hold --container=held:1 --wrap true)
    new=$(image held:1 new)
    [ "$old" != "$new" ]
    run collect
    ended 0
    has "needed by job $job of alice"
    stored "$old"
    alice scancel "$job"
    run collect
    ended 0
    has "removed"
    run stored "$old"
    ended 3
    stored "$new"
}

@test "a running job keeps the image that its steps run, by its record" {
    old=$(image held:1 old)
    # The allocation asked for no image of the store: only the record names it.
    job=$(alice sbatch --parsable -o /home/alice/gc.out --wrap 'while :; do read -rt 100 x </dev/zero || :; done')
    wait_for 30 running "$job"
    alice srun --jobid="$job" --overlap --container=held:1 /bin/program || true
    wait_for 30 names "$job" "$old"
    new=$(image held:1 new)
    run collect
    ended 0
    has "needed by job $job of alice"
    stored "$old"
    alice scancel "$job"
    wait_for 30 gone "$job"
    run collect
    run stored "$old"
    ended 3
}

@test "an image that no job asked for goes, whoever else waits" {
    old=$(image held:1 old)
    new=$(image held:1 new)
    lading_there rm held:1 --store "$store"
    alice sbatch --hold --container=$IMAGE --wrap true
    run collect
    ended 0
    run stored "$old"
    ended 3
    run stored "$new"
    ended 3
}

@test "images says whose jobs need an image, and how many" {
    image held:1 old >/dev/null
    alice sbatch --parsable --hold --container=held:1 --wrap true
    alice sbatch --parsable --hold --container=held:1 --wrap true
    bob sbatch --parsable --hold --container=held:1 --wrap true
    run lading_there images --store "$store"
    ended 0
    [[ $output == *"LIBC"*"JOBS"* ]]
    grep -E '^held .* alice 2, bob 1$' <<<"$output"
}

@test "with slurmctld out of reach gc removes nothing, and says why" {
    old=$(image held:1 old)
    lading_there rm held:1 --store "$store"
    sed 's/^SlurmctldHost=.*/SlurmctldHost=nowhere(192.0.2.1)/' "$LADING_CLUSTER_DIR/etc/slurm.conf" \
        >"$LADING_CLUSTER_DIR/etc/nowhere.conf"
    run lading_there gc --store "$store" --older-than 0 --slurm-conf "$LADING_CLUSTER_DIR/etc/nowhere.conf"
    ended 8
    has "nothing was removed from $store: Slurm cannot be asked"
    has "--without-slurm"
    stored "$old"
}
