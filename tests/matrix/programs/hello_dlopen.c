/* SPDX-License-Identifier: BSD-3-Clause
 * MPI that no ELF header tells of: dlopen of MATRIX_LIBRARY, a soname or an absolute path. */
#include <dlfcn.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"

static void* library;

static void* symbol(const char* name) {
    void* const found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}

/* Open MPI's handles are the addresses of its objects; the others' are numbers. */
#ifdef OMPI_MAJOR_VERSION
#define WORLD ((MPI_Comm)symbol("ompi_mpi_comm_world"))
#define INTEGER ((MPI_Datatype)symbol("ompi_mpi_int"))
#define ADDITION ((MPI_Op)symbol("ompi_mpi_op_sum"))
#else
#define WORLD MPI_COMM_WORLD
#define INTEGER MPI_INT
#define ADDITION MPI_SUM
#endif

typedef int Init(int*, char***);
typedef int OfWorld(MPI_Comm, int*);
typedef int Allreduce(const void*, void*, int, MPI_Datatype, MPI_Op, MPI_Comm);
typedef int Barrier(MPI_Comm);
typedef int Finalize(void);

int main(int count, char** arguments) {
    int rank = 0, size = 0, sum = -1, status = 1;
    /* Open MPI's plugins look for its symbols among the global ones. */
    library = dlopen(MATRIX_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    ((Init*)symbol("MPI_Init"))(&count, &arguments);
    ((OfWorld*)symbol("MPI_Comm_rank"))(WORLD, &rank);
    ((OfWorld*)symbol("MPI_Comm_size"))(WORLD, &size);
    ((Allreduce*)symbol("MPI_Allreduce"))(&rank, &sum, 1, INTEGER, ADDITION, WORLD);
    status = matrix_report(rank, size, sum);
    ((Barrier*)symbol("MPI_Barrier"))(WORLD);
    matrix_leave(count - 1, status);
    ((Finalize*)symbol("MPI_Finalize"))();
    return status;
}
