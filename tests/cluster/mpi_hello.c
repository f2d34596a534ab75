/* SPDX-License-Identifier: BSD-3-Clause
 * Each rank says who and where it is, and the sum of all ranks. With an argument it leaves without
 * MPI_Finalize, in which Debian 12's MPICH 4.0.2 may hang (on the bare host too). */
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char** arguments) {
    int rank = 0, size = 0, sum = 0;
    char node[256] = "", image[256] = "";
    FILE* const name = fopen("/etc/hostname", "r");
    if (name != NULL && fgets(image, sizeof image, name) == NULL) {
        image[0] = '\0';
    }
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    gethostname(node, sizeof node);
    printf("rank %d of %d on %s, sum %d, in %s", rank, size, node, sum, image);
    fflush(stdout);
    if (count > 1) {
        _exit(0);
    }
    return MPI_Finalize();
}
