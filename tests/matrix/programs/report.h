/* SPDX-License-Identifier: BSD-3-Clause
 * What every MPI program of the matrix says of itself: one line, and an exit status. */
#ifndef MATRIX_REPORT_H
#define MATRIX_REPORT_H

#ifdef __cplusplus
extern "C" {
#endif

/* Prints `rank R of N on HOST sum S lib PATH DEVICE:INODE ok`, where PATH is the MPI library that
 * is mapped into this process, and DEVICE:INODE its identity as `stat -c %d:%i` prints it. Returns
 * 0; or 1, and says why in the place of `ok`: the sum is not that of all ranks, or there is not
 * just one MPI library (none at all, `none 0:0`, where the program is static). */
int matrix_report(int rank, int size, int sum);

/* The same of any library: the file mapped whose name begins with one of the prefixes, which end
 * with NULL. Returns how many different files there are; text is `PATH DEVICE:INODE` of each. */
int matrix_mapped(const char* const* prefixes, char* text, unsigned capacity);

/* Ends the program: with status at once, without MPI_Finalize, where it has an argument. Debian
 * 12's MPICH 4.0.2 may hang there, on the bare host too. */
void matrix_leave(int arguments, int status);

#ifdef __cplusplus
}
#endif
#endif
