// SPDX-License-Identifier: BSD-3-Clause
// MPI from C++, with what needs libstdc++ and libgcc_s: strings, streams, and exceptions.
#include <mpi.h>

#include <iostream>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "report.h"

namespace {

void check(const std::vector<int>& ranks) {
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        if (ranks[i] != static_cast<int>(i)) {
            std::ostringstream text;
            text << "rank " << i << " says that it is " << ranks[i];
            throw std::runtime_error(text.str());
        }
    }
}

}  // namespace

int main(int count, char** arguments) {
    MPI_Init(&count, &arguments);
    int rank = 0, size = 0, sum = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    std::vector<int> ranks(static_cast<std::size_t>(size), -1);
    MPI_Allgather(&rank, 1, MPI_INT, ranks.data(), 1, MPI_INT, MPI_COMM_WORLD);
    int status = matrix_report(rank, size, sum);
    try {
        check(ranks);
        // An exception has to travel: caught by its type, in the library that is there.
        check({1});
        status = 1;
    } catch (const std::runtime_error& error) {
        if (std::string(error.what()) != "rank 0 says that it is 1") {
            std::cerr << error.what() << '\n';
            status = 1;
        }
    }
    // Who leaves without MPI_Finalize must not be missed by the others.
    MPI_Barrier(MPI_COMM_WORLD);
    matrix_leave(count - 1, status);
    MPI_Finalize();
    return status;
}
