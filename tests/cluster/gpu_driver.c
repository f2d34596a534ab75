/* SPDX-License-Identifier: BSD-3-Clause
 * Stands for the libraries of a vendor's driver: functions that the vendor's own programs call, and
 * a number by which a test tells whose they are.  One library a macro. */
#include <dlfcn.h>
#include <stddef.h>

#ifdef LIBCUDA
/* As NVIDIA's does, it loads its compiler by name; both must be of one release. */
int cuInit(unsigned flags) {
    void* const compiler = dlopen("libnvidia-ptxjitcompiler.so.1", RTLD_NOW);
    const int* const number = compiler == NULL ? NULL : dlsym(compiler, "release_of_compiler");
    return flags != 0 || number == NULL || *number != LIBCUDA ? 804 : 0;
}
int cuDriverGetVersion(int* version) {
    *version = LIBCUDA;
    return 0;
}
#endif

#ifdef COMPILER
const int release_of_compiler = COMPILER;
#endif

#ifdef MANAGEMENT
int nvmlInit_v2(void) {
    return 0;
}
#endif

#ifdef LIBHSA
int hsa_init(void) {
    return LIBHSA;
}
#endif

#ifdef LIBHIP
int hsa_init(void);
int hipDriverGetVersion(int* version) {
    *version = LIBHIP;
    return hsa_init() == LIBHIP ? 0 : 804;
}
#endif
