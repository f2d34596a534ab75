/* SPDX-License-Identifier: BSD-3-Clause
 * Prints the version of the GPU driver that it was given, and the library's device:inode. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#ifdef CUDA
#define LIBRARY "/libcuda.so"
int cuInit(unsigned flags);
int cuDriverGetVersion(int* version);
static int start(void) {
    return cuInit(0);
}
static int get_version(int* version) {
    return cuDriverGetVersion(version);
}
#else
#define LIBRARY "/libamdhip64.so"
int hipDriverGetVersion(int* version);
static int start(void) {
    return 0;
}
static int get_version(int* version) {
    return hipDriverGetVersion(version);
}
#endif

int main(void) {
    int version = 0;
    const int error = start();
    if (error != 0 || get_version(&version) != 0) {
        printf("error %d\n", error);
        return 1;
    }
    char line[4096];
    FILE* const maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        char* const path = strchr(line, '/');
        struct stat status;
        if (path != NULL && strstr(path, LIBRARY) != NULL) {
            path[strcspn(path, "\n")] = '\0';
            if (stat(path, &status) == 0) {
                printf("driver %d is %llu:%llu\n", version, (unsigned long long)status.st_dev,
                       (unsigned long long)status.st_ino);
                return 0;
            }
        }
    }
    printf("driver %d is nowhere\n", version);
    return 1;
}
