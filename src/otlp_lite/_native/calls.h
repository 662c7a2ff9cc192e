/* calls.h - functions of ours that get their arguments where they lie, as no method of a class of ours does
 *
 * What they do is Cython's, and is given as they are made: the same for all of a kind.
 */
#ifndef OTLP_LITE_CALLS_H
#define OTLP_LITE_CALLS_H

#include <Python.h>

/* ---- A bound leaf ---- */

typedef PyObject *(*otlp_lite_start)(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                                     PyObject *named);

static otlp_lite_start start_bound;

static PyObject *call_bound(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                            PyObject *named)
{
    return start_bound(self, arguments, count, named);
}

static PyMethodDef bound_method = {
    "leaf",
    (PyCFunction)(void (*)(void))call_bound,
    METH_FASTCALL | METH_KEYWORDS,
    "Starts a leaf span; the arguments are the fields of its schema.",
};

static PyObject *otlp_lite_bound_function(PyObject *self, otlp_lite_start start)
{
    start_bound = start;
    return PyCFunction_New(&bound_method, self);
}

/* ---- A function within a new current span: no frame, and no method of a `with` statement, comes between ---- */

/* Returns what was entered, and the function to call. */
typedef PyObject *(*otlp_lite_enter)(PyObject *self, PyObject **function);
/* Leaves it; `error` is what the function raised, or NULL. */
typedef int (*otlp_lite_exit)(PyObject *entered, PyObject *error);

static otlp_lite_enter enter_within;
static otlp_lite_exit exit_within;

struct raised {
    PyObject *type, *error, *trace;
};

static struct raised take_raised(void)
{
    struct raised raised;
    PyErr_Fetch(&raised.type, &raised.error, &raised.trace);
    PyErr_NormalizeException(&raised.type, &raised.error, &raised.trace);
    if (raised.trace != NULL)
        PyException_SetTraceback(raised.error, raised.trace);
    return raised;
}

static void drop(struct raised raised)
{
    Py_XDECREF(raised.type);
    Py_XDECREF(raised.error);
    Py_XDECREF(raised.trace);
}

/* While it is left, as in a with statement, what the function raised is what sys.exc_info() tells. A generator that handles
 * the very exception that its caller handles goes on without it: the two cannot be told apart. */
static int exit_handling(PyObject *entered, struct raised raised)
{
    if (raised.error == NULL)
        return exit_within(entered, NULL);
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *before = PyErr_GetHandledException();
    PyErr_SetHandledException(NULL);
    PyObject *around =
        PyErr_GetHandledException(); /* not this frame's, but a generator's caller's */
    PyErr_SetHandledException(raised.error);
    int failed = exit_within(entered, raised.error);
    PyErr_SetHandledException(before == around ? NULL : before);
    Py_XDECREF(before);
    Py_XDECREF(around);
#else
    struct raised before, around;
    PyErr_GetExcInfo(&before.type, &before.error, &before.trace);
    PyErr_SetExcInfo(NULL, NULL, NULL);
    PyErr_GetExcInfo(&around.type, &around.error, &around.trace);
    PyErr_SetExcInfo(Py_XNewRef(raised.type), Py_XNewRef(raised.error), Py_XNewRef(raised.trace));
    int failed = exit_within(entered, raised.error);
    if (before.error == around.error) {
        PyErr_SetExcInfo(NULL, NULL, NULL);
        drop(before);
    } else {
        PyErr_SetExcInfo(before.type, before.error, before.trace);
    }
    drop(around);
#endif
    return failed;
}

static void raise_again(struct raised raised)
{
    PyErr_Restore(raised.type, raised.error, raised.trace);
}

/* `arguments`: the function's, a tuple and a dict. */
static PyObject *call_within(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct raised raised = {NULL, NULL, NULL};
    PyObject *function;
    if (count != 2 || !PyTuple_Check(arguments[0]) || !PyDict_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "within: expected a tuple and a dict");
        return NULL;
    }
    PyObject *entered = enter_within(self, &function);
    if (entered == NULL)
        return NULL;
    PyObject *result = PyObject_Call(function, arguments[0], arguments[1]);
    if (result == NULL)
        raised = take_raised();
    if (exit_handling(entered, raised) < 0) {
        drop(raised); /* an interrupt goes on, whose context that is */
        Py_CLEAR(result);
    } else if (result == NULL) {
        raise_again(raised);
    }
    Py_DECREF(entered);
    return result;
}

static PyMethodDef within_method = {
    "within",
    (PyCFunction)(void (*)(void))call_within,
    METH_FASTCALL,
    "Calls the function within a new span; the arguments are a tuple and a dict.",
};

static PyObject *otlp_lite_within_function(PyObject *self, otlp_lite_enter enter,
                                           otlp_lite_exit leave)
{
    enter_within = enter;
    exit_within = leave;
    return PyCFunction_New(&within_method, self);
}

#endif
