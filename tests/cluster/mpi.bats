#!/usr/bin/env bats
# Slurm's PMI servers reach the tasks of a container, on every node.  The image has no MPI: it gets
# the node's, and with it the node's libc, by plain mounts.
# may skip: this Slurm offers no PMIx

load environment.bash

setup_file() {
    for mpi in openmpi mpich; do
        admin tee /home/alice/mpi_hello.c <"$BATS_TEST_DIRNAME/mpi_hello.c" >/dev/null
        admin "mpicc.$mpi" -o "/home/alice/hello_$mpi" /home/alice/mpi_hello.c
    done
}

readonly libraries=/usr/lib:/usr/lib:ro,/usr/lib64:/usr/lib64:ro,/etc/alternatives:/etc/alternatives:ro

every_rank_is_there() {
    for i in 0 1 2 3; do has "rank $i of 4 on n$((i + 1)), sum 6, in image-bookworm"; done
}

@test "MPICH finds its ranks by PMI-2, on four nodes" {
    run alice timeout 60 srun -N4 -n4 --mpi=pmi2 --container=$IMAGE --container-mounts=$libraries \
        ./hello_mpich leave
    ended 0
    every_rank_is_there
}

@test "the PMIx server's directory is there" {
    alice srun --mpi=list 2>&1 | grep -q pmix || skip "this Slurm offers no PMIx"
    run alice srun --mpi=pmix --container-image=$IMAGE sh -c 'ls -d "$PMIX_SERVER_TMPDIR"'
    ended 0
}

@test "Open MPI finds its ranks by PMIx, on four nodes" {
    alice srun --mpi=list 2>&1 | grep -q pmix || skip "this Slurm offers no PMIx"
    run alice timeout 60 srun -N4 -n4 --mpi=pmix --container-image=$IMAGE \
        --container-mounts=$libraries ./hello_openmpi
    ended 0
    every_rank_is_there
}

@test "PMIx works in a container that srun inherits" {
    alice srun --mpi=list 2>&1 | grep -q pmix || skip "this Slurm offers no PMIx"
    run alice timeout 60 salloc --quiet -N4 -n4 sh -c \
        "SLURM_CONTAINER=$IMAGE srun --mpi=pmix --container-mounts=$libraries ./hello_openmpi"
    ended 0
    every_rank_is_there
}
