#!/usr/bin/env bats
# Nothing is left after a step, however it ends.

load environment.bash

# Whatever a test left, the next one starts on an idle cluster.
teardown() {
    alice scancel -u alice || true
    # Slurm 22.05's srun does not return when its node was power-cut.
    pkill -KILL -u 20001 -x srun || true
    wait_for 60 nodes_are_idle
}

# By inode: a loop device knows its file's path as the node's own root has it.
store_loops() {
    losetup --list --noheadings --output BACK-INO | tr -d ' ' |
        grep -cxF -f <(find "$LADING_CLUSTER_DIR/store/blobs" -type f -printf '%i\n') || true
}
no_loops() { [ "$(store_loops)" -eq 0 ]; }
nothing_left() {
    no_loops && ! pgrep -x lading-step && ! grep -lsE '^lading / overlay' /proc/[0-9]*/mounts
}

# The number of mount namespaces on the whole machine.
mount_namespaces() { readlink /proc/[0-9]*/ns/mnt 2>/dev/null | sort -u | wc -l; }

# start_step: a containerised step on n1 that waits; its pids land in $BATS_TEST_TMPDIR.
start_step() {
    alice rm -f /home/alice/started
    alice srun -w n1 "$@" sh -c 'echo $$ >/home/alice/started; while :; do read -rt 100 x </dev/zero || :; done' \
        >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    wait_for 20 alice test -s /home/alice/started
}

@test "the image is mounted once a node and step, however many tasks there are" {
    start_step -n8 --overcommit --container=$IMAGE
    run store_loops
    [ "$output" -eq 1 ]
    alice scancel -u alice
    wait_for 20 nothing_left
}

@test "nothing is left after a step that ended well" {
    alice srun -N4 --container=$IMAGE true
    wait_for 20 nothing_left
}

@test "nothing is left after scancel" {
    start_step --container=$IMAGE
    alice scancel -u alice
    wait_for 30 nothing_left
}

@test "nothing is left after SIGKILL of a task" {
    start_step --container=$IMAGE
    on_node n1 kill -KILL "$(alice cat /home/alice/started)"
    wait_for 20 nothing_left
}

@test "nothing is left after SIGKILL of slurmstepd, and the node is usable" {
    start_step --container=$IMAGE
    on_node n1 sh -c 'kill -KILL "$(ps -o ppid= -p "$0" | tr -d " ")"' "$(alice cat /home/alice/started)"
    alice scancel -u alice
    wait_for 40 nothing_left
    wait_for 60 nodes_are_idle
}

@test "nothing is left after a task ran out of memory" {
    run alice srun -w n1 --mem=60 --container=$IMAGE python3 -c 'x = bytearray(300 << 20); print(len(x))'
    [ "$status" -ne 0 ]
    wait_for 20 nothing_left
    wait_for 60 nodes_are_idle
}

@test "nothing is left after a node went down and came back" {
    start_step --container=$IMAGE
    cluster restart-node n1
    alice scancel -u alice
    wait_for 30 nothing_left
    wait_for 60 nodes_are_idle
    run alice srun -w n1 --container=$IMAGE cat /etc/hostname
    has "image-bookworm"
}

@test "fifty steps at once leave no mount, loop device, namespace or process" {
    wait_for 20 nothing_left
    before=$(mount_namespaces)
    run submit -N4 <<JOB
#!/bin/bash
for i in \$(seq 50); do srun --overlap --mem=0 -N1 -n1 --container=$IMAGE cat /etc/hostname & done
wait
JOB
    ended 0
    [ "$(grep -c image-bookworm <<<"$output")" -eq 50 ]
    wait_for 30 nothing_left
    same_namespaces() { [ "$(mount_namespaces)" -le "$before" ]; }
    wait_for 30 same_namespaces
}

@test "two users run the same image on one node at once" {
    start_step --container=$IMAGE
    run bob srun -w n1 --overlap --container=$IMAGE id -un
    alice scancel -u alice
    ended 0
    has "bob"
    wait_for 20 nothing_left
}
