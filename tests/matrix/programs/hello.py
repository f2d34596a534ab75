#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""MPI from python: nothing of it stands in the interpreter's own ELF file."""
import os
import socket
import sys

OWN = "/opt/matrix/lib/python"
NAMES = ("libmpi.so", "libmpich.so", "libmpi_abi")


class Matrix:
    """The matrix's own module: Debian's mpi4py is linked with Open MPI, and MPICH has none."""

    def __init__(self):
        import matrix_mpi

        matrix_mpi.init()
        self.rank, self.size = matrix_mpi.rank(), matrix_mpi.size()
        self.allreduce, self.barrier, self.finalize = matrix_mpi.allreduce, matrix_mpi.barrier, matrix_mpi.finalize


class Mpi4py:
    def __init__(self):
        from mpi4py import MPI

        world = MPI.COMM_WORLD
        self.rank, self.size = world.Get_rank(), world.Get_size()
        self.allreduce, self.barrier = world.allreduce, world.Barrier
        # mpi4py finalizes at the interpreter's end.
        self.finalize = lambda: None


def mapped():
    """`PATH DEVICE:INODE` of each MPI library in this process."""
    found = {}
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(maxsplit=5)
            if len(fields) == 6 and os.path.basename(fields[5]).startswith(NAMES):
                major, minor = (int(part, 16) for part in fields[3].split(":"))
                found[f"{os.makedev(major, minor)}:{fields[4]}"] = fields[5]
    return [f"{path} {identity}" for identity, path in found.items()]


def main():
    sys.path.insert(0, OWN)
    mpi = Matrix() if os.path.isdir(OWN) else Mpi4py()
    total = mpi.allreduce(mpi.rank)
    libraries = mapped()
    verdict = "ok"
    if total != mpi.size * (mpi.size - 1) // 2:
        verdict = "WRONG: not the sum of all ranks"
    elif len(libraries) != 1:
        verdict = "WRONG: not the number of MPI libraries expected"
    text = " and ".join(libraries) or "none 0:0"
    # In one piece: print writes the end of a line by itself, and ranks may share a terminal.
    sys.stdout.write(f"rank {mpi.rank} of {mpi.size} on {socket.gethostname()} sum {total} lib {text} {verdict}\n")
    sys.stdout.flush()
    status = 0 if verdict == "ok" else 1
    # Who leaves without MPI_Finalize must not be missed by the others.
    mpi.barrier()
    if len(sys.argv) > 1:
        os._exit(status)
    mpi.finalize()
    return status


sys.exit(main())
