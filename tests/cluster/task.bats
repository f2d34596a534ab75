#!/usr/bin/env bats
# What a task is: its namespaces, rights, environment, exit.

load environment.bash

@test "a task has no capability, no_new_privs, and a seccomp filter" {
    run alice srun --container=$IMAGE grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
    ended 0
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do has "$set:	0000000000000000"; done
    has "NoNewPrivs:	1"
    has "Seccomp:	2"
}

@test "root's own jobs have no capability either" {
    run admin srun --container=$IMAGE grep -E '^Cap' /proc/self/status
    ended 0
    for set in CapPrm CapEff CapBnd; do has "$set:	0000000000000000"; done
}

@test "set-user-id programs of the image gain nothing" {
    run alice srun --container=$IMAGE sh -c 'ls -l /usr/bin/passwd && grep " / " /proc/self/mounts'
    has "rws"
    has "nosuid"
}

@test "no descriptor of slurmstepd reaches the program" {
    run alice srun --container=$IMAGE sh -c 'ls -l /proc/self/fd'
    lacks "ns/"
    lacks "mnt:"
    lacks "socket"
}

@test "two ranks on a node read each other's memory (CMA)" {
    # Static, so that it runs in any image; through the shared home.
    admin install -m 755 /dev/stdin /home/alice/read_neighbour <"$LADING_TEST_TOOLS/read_neighbour"
    run alice timeout 60 srun -N1 -n2 --overcommit --container=$IMAGE \
        /home/alice/read_neighbour /home/alice/meeting-point
    alice rm -f /home/alice/read_neighbour /home/alice/meeting-point
    ended 0
    has "read: cross-memory attach"
}

@test "tasks share the node's PID, IPC, network and host name, unless they ask otherwise" {
    for ns in pid ipc net uts; do
        outside=$(on_node n1 readlink /proc/self/ns/$ns)
        run alice srun --quiet -w n1 --container=$IMAGE readlink /proc/self/ns/$ns
        ended 0
        if [[ $ns != pid ]]; then [ "$output" = "$outside" ]; fi
        run alice srun --quiet -w n1 --container=$IMAGE --container-unshare=$ns readlink /proc/self/ns/$ns
        ended 0
        [ "$output" != "$outside" ]
    done
}

@test "with a PID namespace exit codes and signals pass as without" {
    run alice srun --container=$IMAGE --container-unshare=pid sh -c 'echo "pid $$"; exit 7'
    ended 7
    has "pid 2"
    run alice srun --container=$IMAGE --container-unshare=pid sh -c 'kill -KILL $$'
    has "Killed"
    ended 137
}

@test "exit codes and signals pass" {
    run alice srun --container=$IMAGE sh -c 'exit 42'
    ended 42
    run alice srun --container=$IMAGE sh -c 'kill -SEGV $$'
    ended 139
}

@test "scancel --signal reaches the program in the container" {
    alice rm -f /home/alice/ready
    alice srun -w n1 --container=$IMAGE sh -c 'trap "echo got it; exit 9" USR1; echo $SLURM_JOB_ID >/home/alice/ready
        sleep 100 & wait' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local srun=$!
    wait_for 20 alice test -s /home/alice/ready
    alice scancel --signal=USR1 "$(alice cat /home/alice/ready).0"
    status=0
    wait "$srun" || status=$?
    alice rm -f /home/alice/ready
    output=$(cat "$BATS_TEST_TMPDIR/out")
    has "got it"
    ended 9
}

@test "the environment is the image's, then Slurm's; PATH is the image's" {
    run alice env LD_LIBRARY_PATH=/host/lib PATH="/host/bin:$PATH" MINE=kept \
        srun --container=$IMAGE sh -c 'echo "path $PATH"; echo "lib [$LD_LIBRARY_PATH]"; echo "job $SLURM_JOB_ID mine $MINE home $HOME"'
    ended 0
    lacks "/host/bin"
    has "lib []"
    has "mine kept home /home/alice"
    [[ $output =~ job\ [0-9]+ ]]
}

@test "--container-env lets the job's value beat the image's" {
    run alice env LD_LIBRARY_PATH=/host/lib srun --container=$IMAGE --container-env=LD_LIBRARY_PATH \
        sh -c 'echo "lib [$LD_LIBRARY_PATH]"'
    has "lib [/host/lib]"
}

@test "X nodes times Y tasks all run in the container" {
    run alice srun -N3 -n9 --overcommit --container=$IMAGE sh -c 'cat /etc/hostname'
    ended 0
    [ "$(grep -c image-bookworm <<<"$output")" -eq 9 ]
}

@test "--multi-prog tasks run in the container" {
    printf '0 cat /etc/hostname\n1 echo rank %%t\n' | admin tee /home/alice/multi.conf >/dev/null
    run alice srun -n2 --overcommit --container=$IMAGE --multi-prog /home/alice/multi.conf
    alice rm -f /home/alice/multi.conf
    ended 0
    has "image-bookworm"
    has "rank 1"
}

@test "--export=NONE keeps the container" {
    run alice srun --export=NONE --container=$IMAGE cat /etc/hostname
    ended 0
    has "image-bookworm"
}

@test "a terminal (--pty) works in the container" {
    run script -qec "$(printf '%q ' "$repository/contrib/cluster/cluster" exec --as alice --chdir /home/alice -- \
        srun --container=$IMAGE --pty sh -c 'test -t 0 && tty && cat /etc/hostname')" /dev/null
    has "/dev/pts/"
    has "image-bookworm"
}

@test "several steps of one job run in different containers at once" {
    run submit -N1 -n2 --overcommit <<'JOB'
#!/bin/bash
srun -n1 --overlap --container=atse:1.2.4 cat /etc/hostname &
srun -n1 --overlap --container=none hostname &
wait
JOB
    ended 0
    has "image-bookworm"
}
