/* SPDX-License-Identifier: BSD-3-Clause
 * An OpenCL device adds two vectors. Prints
 *   vector_sum of N on HOST platform NAME device NAME lib PATH DEVICE:INODE vendor PATH ok
 * where lib is the loader that is mapped, and vendor the file of the driver that answers; exits 1
 * when a number is wrong, and 2 when there is no platform or no device. */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report.h"

enum { length = 100000 };

static const char* const source =
    "__kernel void add(__global const float* a, __global const float* b, __global float* c) {"
    "    const size_t i = get_global_id(0);"
    "    c[i] = a[i] + b[i];"
    "}";

static void need(cl_int error, const char* what, int status) {
    if (error != CL_SUCCESS) {
        fprintf(stderr, "%s: OpenCL error %d\n", what, error);
        exit(status);
    }
}

/* An object of a driver begins with the table of the driver's functions. */
static const char* vendor_file(cl_platform_id platform) {
    void* const* const table = *(void* const* const*)platform;
    Dl_info where;
    for (int i = 0; i < 8; i++) {
        if (table[i] != NULL && dladdr(table[i], &where) != 0 && where.dli_fname != NULL) {
            return where.dli_fname;
        }
    }
    return "unknown";
}

/* The number of wrong elements. */
static int add_on(cl_device_id device) {
    static float a[length], b[length], c[length];
    const size_t items = length;
    cl_int error = CL_SUCCESS;
    int wrong = 0;
    for (int i = 0; i < length; i++) {
        a[i] = (float)i;
        b[i] = (float)(2 * i + 1);
    }
    const cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    need(error, "clCreateContext", 1);
    const cl_command_queue queue = clCreateCommandQueue(context, device, 0, &error);
    need(error, "clCreateCommandQueue", 1);
    const cl_program program =
        clCreateProgramWithSource(context, 1, (const char**)&source, NULL, &error);
    need(error, "clCreateProgramWithSource", 1);
    need(clBuildProgram(program, 1, &device, "", NULL, NULL), "clBuildProgram", 1);
    const cl_kernel kernel = clCreateKernel(program, "add", &error);
    need(error, "clCreateKernel", 1);
    cl_mem x =
        clCreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof a, a, &error);
    need(error, "clCreateBuffer", 1);
    cl_mem y =
        clCreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof b, b, &error);
    need(error, "clCreateBuffer", 1);
    cl_mem z = clCreateBuffer(context, CL_MEM_WRITE_ONLY, sizeof c, NULL, &error);
    need(error, "clCreateBuffer", 1);
    need(clSetKernelArg(kernel, 0, sizeof x, &x), "clSetKernelArg", 1);
    need(clSetKernelArg(kernel, 1, sizeof y, &y), "clSetKernelArg", 1);
    need(clSetKernelArg(kernel, 2, sizeof z, &z), "clSetKernelArg", 1);
    need(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL),
         "clEnqueueNDRangeKernel", 1);
    need(clEnqueueReadBuffer(queue, z, CL_TRUE, 0, sizeof c, c, 0, NULL, NULL),
         "clEnqueueReadBuffer", 1);
    for (int i = 0; i < length; i++) {
        wrong += c[i] != (float)i + (float)(2 * i + 1);
    }
    clReleaseMemObject(z);
    clReleaseMemObject(y);
    clReleaseMemObject(x);
    clReleaseKernel(kernel);
    clReleaseProgram(program);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    return wrong;
}

int main(void) {
    static const char* const names[] = {"libOpenCL.so", NULL};
    cl_platform_id platform = NULL;
    cl_device_id device = NULL;
    char library[10000], platform_name[200] = "", device_name[200] = "", node[256] = "";
    need(clGetPlatformIDs(1, &platform, NULL), "there is no OpenCL platform: clGetPlatformIDs", 2);
    need(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL),
         "there is no OpenCL device: clGetDeviceIDs", 2);
    need(clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof platform_name, platform_name, NULL),
         "clGetPlatformInfo", 1);
    need(clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof device_name, device_name, NULL),
         "clGetDeviceInfo", 1);
    matrix_mapped(names, library, sizeof library);
    gethostname(node, sizeof node - 1);
    const int wrong = add_on(device);
    printf("vector_sum of %d on %s platform %s device %s lib %s vendor %s %s\n", length, node,
           platform_name, device_name, library, vendor_file(platform),
           wrong == 0 ? "ok" : "WRONG: not the sum");
    return wrong == 0 ? 0 : 1;
}
