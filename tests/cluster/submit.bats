#!/usr/bin/env bats
# sbatch, salloc, arrays, heterogeneous jobs, and who inherits what.

load environment.bash

@test "sbatch --container runs the batch script in the container" {
    run submit --container=$IMAGE <<<'#!/bin/sh
cat /etc/hostname; echo "script $0"'
    ended 0
    has "image-bookworm"
}

@test "an #SBATCH line and SBATCH_CONTAINER do the same" {
    run submit <<<"#!/bin/sh
#SBATCH --container=$IMAGE
cat /etc/hostname"
    ended 0
    has "image-bookworm"
    run env SBATCH_CONTAINER=$IMAGE bash -c '
        . "$1/tests/cluster/environment.bash"
        alice env SBATCH_CONTAINER=$IMAGE sbatch --wait --quiet -o /home/alice/env.out --wrap "cat /etc/hostname"
        alice cat /home/alice/env.out' - "$repository"
    has "image-bookworm"
}

@test "a batch script's exit code is the job's" {
    run submit --container=$IMAGE <<<'#!/bin/sh
exit 9'
    ended 9
}

@test "sbatch --export=NONE keeps the container" {
    run submit --export=NONE --container=$IMAGE <<<'#!/bin/sh
cat /etc/hostname'
    ended 0
    has "image-bookworm"
}

@test "salloc's interactive step runs in the container" {
    run alice salloc -N1 --container=$IMAGE cat /etc/hostname
    ended 0
    run script -qec "$(printf '%q ' "$repository/contrib/cluster/cluster" exec --as alice --chdir /home/alice -- \
        salloc --quiet -N1 --container=$IMAGE)" /dev/null <<<'cat /etc/hostname; exit'
    has "image-bookworm"
}

@test "srun in an allocation inherits the container, unless told otherwise" {
    run alice salloc --quiet -w n1 --container=$IMAGE bash -c '
        srun cat /etc/hostname; srun --container=none hostname'
    ended 0
    has "image-bookworm"
    has "n1"
}

@test "a stale SLURM_CONTAINER never beats an explicit option" {
    run alice env SLURM_CONTAINER=stale:1 SLURM_LADING='{"v":1,"image":"stale:1"}' \
        srun --container=$IMAGE cat /etc/hostname
    ended 0
    has "image-bookworm"
}

@test "a SLURM_CONTAINER left in a shell does nothing outside of a job" {
    run alice env SLURM_CONTAINER=stale:1 SLURM_LADING='{"v":1,"image":"stale:1"}' srun -w n1 hostname
    ended 0
    has "n1"
}

@test "job arrays run in the container" {
    run submit --array=1-4 --container=$IMAGE <<<'#!/bin/sh
echo "$SLURM_ARRAY_TASK_ID $(cat /etc/hostname)" >>/home/alice/array.log'
    ended 0
    run alice sort /home/alice/array.log
    alice rm -f /home/alice/array.log
    for task in 1 2 3 4; do has "$task image-bookworm"; done
}

@test "a heterogeneous job has a container a component" {
    run alice srun -N1 --container=$IMAGE cat /etc/hostname : -N1 --container=none hostname
    ended 0
    has "image-bookworm"
    [[ $output == *n[1-4]* ]]
}

@test "jobs without a container are untouched" {
    run alice srun -N4 hostname
    ended 0
    for node in n1 n2 n3 n4; do has "$node"; done
}

@test "--container-image is the same as --container" {
    run alice srun --container-image=$IMAGE cat /etc/hostname
    ended 0
    has "image-bookworm"
}

@test "srun --help shows the options well" {
    run alice srun --help
    has "Options provided by plugins:"
    for option in container-image container-mounts container-workdir container-env container-writable \
        container-readonly container-mount-home no-container-mount-home container-unshare; do
        has "--$option"
    done
}
