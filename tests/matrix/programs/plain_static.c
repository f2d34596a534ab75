/* SPDX-License-Identifier: BSD-3-Clause
 * No MPI and no library at all: it has to run as it would on the bare host. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

int main(void) {
    char node[256] = "";
    gethostname(node, sizeof node - 1);
    printf("static on %s lib none 0:0 ok\n", node);
    return 0;
}
