/* SPDX-License-Identifier: BSD-3-Clause
 * What hello.py needs of MPI, for the images whose MPI has no mpi4py: like it, a module of python
 * that is linked with the MPI library. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <mpi.h>

static PyObject* matrix_init(PyObject* self, PyObject* arguments) {
    (void)self;
    (void)arguments;
    MPI_Init(NULL, NULL);
    Py_RETURN_NONE;
}

static PyObject* matrix_finalize(PyObject* self, PyObject* arguments) {
    (void)self;
    (void)arguments;
    MPI_Finalize();
    Py_RETURN_NONE;
}

static PyObject* matrix_rank(PyObject* self, PyObject* arguments) {
    int rank = -1;
    (void)self;
    (void)arguments;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return PyLong_FromLong(rank);
}

static PyObject* matrix_size(PyObject* self, PyObject* arguments) {
    int size = -1;
    (void)self;
    (void)arguments;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return PyLong_FromLong(size);
}

static PyObject* matrix_allreduce(PyObject* self, PyObject* number) {
    int mine = (int)PyLong_AsLong(number), sum = -1;
    (void)self;
    if (PyErr_Occurred()) {
        return NULL;
    }
    MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    return PyLong_FromLong(sum);
}

static PyObject* matrix_barrier(PyObject* self, PyObject* arguments) {
    (void)self;
    (void)arguments;
    MPI_Barrier(MPI_COMM_WORLD);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"init", matrix_init, METH_NOARGS, NULL},
    {"finalize", matrix_finalize, METH_NOARGS, NULL},
    {"rank", matrix_rank, METH_NOARGS, NULL},
    {"size", matrix_size, METH_NOARGS, NULL},
    {"allreduce", matrix_allreduce, METH_O, NULL},
    {"barrier", matrix_barrier, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "matrix_mpi", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_matrix_mpi(void) {
    return PyModule_Create(&definition);
}
