#!/usr/bin/env bats
# The record in the job's accounting.

load environment.bash

# comment_of JOBID: the AdminComment, once slurmdbd has it.
comment_of() { admin sacct -X -n -P --delimiter=$'\x1f' -j "$1" -o AdminComment; }
recorded() { comment_of "$1" | grep -q '"lading"'; }

# submitted SBATCH-OPTION…: the id of a job that has ended; its script is on standard input.
submitted() {
    admin tee /home/alice/record.sh >/dev/null
    alice sbatch --parsable --wait -o /home/alice/record.out "$@" /home/alice/record.sh
}

@test "sacct shows the image of a job after its end, by digest" {
    job=$(submitted --container=$IMAGE <<<'#!/bin/sh
true')
    wait_for 30 recorded "$job"
    run comment_of "$job"
    digest=$(admin "$LADING_BIN/lading" --config "$LADING_CLUSTER_DIR/etc/lading.json" inspect $IMAGE --json | jq -r .digest)
    has "$IMAGE"
    has "$digest"
    has "org.supercontainers.mpi"
    has "$(uname -r)"
    has "glibc 2.36"
    [ "${#output}" -le 4096 ]
    run admin sacct -n -P -j "$job" -o JobID,Container
    # Of a job that ends within a second Slurm 22.05 itself may leave the allocation's field empty.
    has "$job.batch|$IMAGE"
}

@test "a record that would be too long leaves labels out, and says so" {
    local image=$LADING_CLUSTER_DIR/labelled labels=()
    install -D "$LADING_TEST_TOOLS/read_neighbour" "$image/bin/labelled_program"
    for i in {1..80}; do labels+=(--label "org.example.label$i=$(printf 'x%.0s' {1..100})"); done
    admin "$LADING_BIN/lading" import "$image" labelled:1 --store "$LADING_CLUSTER_DIR/store" "${labels[@]}"
    run alice srun --container=labelled:1 /bin/labelled_program
    ended 2
    wait_for 30 labelled_job
    job=$(labelled_job)
    wait_for 30 recorded "$job"
    run comment_of "$job"
    [ "${#output}" -le 4096 ]
    jq -e .lading <<<"$output"
    run admin "$LADING_BIN/lading" record "$job"
    has "(further labels did not fit into the record)"
}

labelled_job() { admin sacct -X -n -P -o JobID --name=labelled_program | grep .; }

@test "lading record prints it for people and as JSON" {
    job=$(submitted --container=$IMAGE <<<'#!/bin/sh
cat /etc/hostname')
    wait_for 30 recorded "$job"
    run admin "$LADING_BIN/lading" record "$job"
    ended 0
    has "$IMAGE"
    has "batch"
    run admin "$LADING_BIN/lading" record --json "$job"
    ended 0
    [ "$(jq -r '.images | length' <<<"$output")" -eq 1 ] || jq . <<<"$output"
}

@test "steps of one job in the same image share an entry" {
    job=$(submitted -N2 <<<"#!/bin/sh
srun --container=$IMAGE true
srun --container=$IMAGE true
srun --container=none true")
    wait_for 30 recorded "$job"
    run admin "$LADING_BIN/lading" record --json "$job"
    ended 0
    [ "$(jq -c '[.images[] | {steps, nodes}]' <<<"$output")" = '[{"steps":["0","1"],"nodes":2}]' ] || {
        jq . <<<"$output"
        false
    }
}

@test "what a site has in AdminComment survives" {
    job=$(alice sbatch --parsable -H --container=$IMAGE --wrap true)
    admin scontrol update JobId="$job" AdminComment='{"site":"kept"}'
    alice scontrol release "$job"
    wait_for 60 recorded "$job"
    run comment_of "$job"
    has '"site":"kept"'
    has '"lading"'
}

@test "a user cannot change the record" {
    job=$(submitted --container=$IMAGE <<<'#!/bin/sh
scontrol --version >/dev/null 2>&1; true')
    run alice scontrol update JobId="$job" AdminComment=forged
    [ "$status" -ne 0 ]
}

# In n1's network: what leaves for slurmctld is refused, what comes from there is answered.
on_n1_network() { nsenter --target "$(cat "$LADING_CLUSTER_DIR/run/n1.pid")" --net -- "$@"; }

@test "with slurmctld out of reach the job runs, and the node logs what was not delivered" {
    port=$(admin scontrol show config | awk '/^SlurmctldPort/ { print $3 }')
    printf '%s\n' 'table inet lading_test {' '  chain out {' \
        '    type filter hook output priority 0;' \
        "    tcp dport $port reject with tcp reset" '  }' '}' >"$BATS_TEST_TMPDIR/rules"
    # In an allocation that stands already, since a new one needs the node's word to slurmctld.
    alice rm -f /home/alice/late.out
    job=$(alice sbatch --parsable -w n1 -o /home/alice/late.out --wrap 'while :; do read -rt 100 x </dev/zero || :; done')
    wait_for 20 alice test -e /home/alice/late.out
    on_n1_network nft -f "$BATS_TEST_TMPDIR/rules"
    alice timeout 150 srun --jobid="$job" --overlap --container=$IMAGE \
        sh -c 'echo ran in $(cat /etc/hostname)' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local srun=$!
    wait_for 30 grep -q 'ran in image-bookworm' "$BATS_TEST_TMPDIR/out" || true
    wait_for 60 logged || true
    on_n1_network nft delete table inet lading_test
    # Slurm 26.05's srun ends only when the node has told slurmctld, container or not.
    wait "$srun"
    alice scancel "$job"
    grep 'ran in image-bookworm' "$BATS_TEST_TMPDIR/out"
    logged
    wait_for 90 nodes_are_idle
}

logged() { cluster logs n1 | grep -q 'record did not reach slurmctld'; }
