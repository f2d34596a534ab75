/* SPDX-License-Identifier: BSD-3-Clause
 * MPI from C: linked plainly, by RPATH, by RUNPATH, statically. */
#include <mpi.h>

#include "report.h"

int main(int count, char** arguments) {
    int rank = 0, size = 0, sum = -1, status = 1;
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    status = matrix_report(rank, size, sum);
    /* Who leaves without MPI_Finalize must not be missed by the others. */
    MPI_Barrier(MPI_COMM_WORLD);
    matrix_leave(count - 1, status);
    MPI_Finalize();
    return status;
}
