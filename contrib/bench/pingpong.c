/* SPDX-License-Identifier: BSD-3-Clause
 * Two ranks send a message to and fro. Rank 0 prints
 *   latency MICROSECONDS bandwidth MEGABYTES-A-SECOND library DEVICE:INODE PATH
 * half a round trip of 8 bytes, and what 1 MiB there and back makes of a second, each the median
 * of short batches; and the MPI library that is mapped, which tells the host's from the image's.
 *
 * Leaves without MPI_Finalize, in which Debian 12's MPICH 4.0.2 may hang (on the bare host too). */
#define _GNU_SOURCE
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { small = 8, large = 1 << 20, batches = 21 };

static char buffer[large];

static int ascending(const void* a, const void* b) {
    const double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

/* Seconds of one round trip: the batches' median, after one that does not count. */
static double round_trip(int rank, int bytes, int trips) {
    double took[batches];
    for (int batch = -1; batch < batches; batch++) {
        MPI_Barrier(MPI_COMM_WORLD);
        const double start = MPI_Wtime();
        for (int i = 0; i < trips; i++) {
            if (rank == 0) {
                MPI_Send(buffer, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
                MPI_Recv(buffer, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            } else {
                MPI_Recv(buffer, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                MPI_Send(buffer, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
            }
        }
        if (batch >= 0) {
            took[batch] = (MPI_Wtime() - start) / trips;
        }
    }
    qsort(took, batches, sizeof took[0], ascending);
    return took[batches / 2];
}

static void print_library(void) {
    FILE* const maps = fopen("/proc/self/maps", "r");
    char line[5000], device[20], inode[30];
    int path = 0;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, "/libmpi") != NULL &&
            sscanf(line, "%*s %*s %*s %19s %29s %n", device, inode, &path) == 2) {
            printf(" library %s:%s %s", device, inode, line + path);
            return;
        }
    }
    printf(" library none none\n");
}

int main(int count, char** arguments) {
    int rank = 0, size = 0;
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size != 2) {
        fprintf(stderr, "pingpong: needs two ranks, has %d\n", size);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    memset(buffer, rank, sizeof buffer);
    const double latency = round_trip(rank, small, 100) / 2;
    const double trip = round_trip(rank, large, 4);
    if (rank == 0) {
        printf("latency %.3f bandwidth %.1f", latency * 1e6, 2 * large / trip / 1e6);
        print_library();
        fflush(stdout);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    _exit(0);
}
