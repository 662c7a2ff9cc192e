/* light.h - __enter__ and __exit__ at a third of what binding them costs
 *
 * Before CPython 3.14 each `with` binds both: two objects that the collector tracks, an eighth of a leaf span. These
 * come from a list of free ones, and are not tracked: for classes whose instances refer to nothing that refers
 * back. Else they answer as the built-in method does that they stand for. Under the GIL.
 */
#ifndef OTLP_LITE_LIGHT_H
#define OTLP_LITE_LIGHT_H

#include <Python.h>

#if PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED)

struct light_method {
    PyObject ob_base;
    PyObject *method; /* as the class had it */
};

struct light_bound {
    PyObject ob_base;
    vectorcallfunc call;
    PyObject *self;
    PyObject *method; /* borrowed: its class is never freed */
};

enum { LIGHT_FREE_MAX = 16 };

static PyObject *light_free[LIGHT_FREE_MAX];
static int light_free_count;

/* The built-in method that it stands for. */
static PyObject *light_heavy(PyObject *bound)
{
    struct light_bound *light = (struct light_bound *)bound;
    return Py_TYPE(light->method)->tp_descr_get(light->method, light->self, NULL);
}

static PyObject *light_call(PyObject *bound, PyObject *const *arguments, size_t flagged,
                            PyObject *named)
{
    struct light_bound *light = (struct light_bound *)bound;
    PyMethodDef *def = ((PyMethodDescrObject *)light->method)->d_method;
    Py_ssize_t count = PyVectorcall_NARGS(flagged);
    if (def->ml_flags & METH_FASTCALL)
        return ((_PyCFunctionFastWithKeywords)(void (*)(void))def->ml_meth)(light->self, arguments,
                                                                            count, named);
    if (count == 0 && named == NULL)
        return def->ml_meth(light->self, NULL);
    return PyErr_Format(PyExc_TypeError, "%s() takes no arguments", def->ml_name);
}

static void light_dealloc(PyObject *bound)
{
    struct light_bound *light = (struct light_bound *)bound;
    PyObject *self = light->self;
    if (light_free_count < LIGHT_FREE_MAX)
        light_free[light_free_count++] = bound;
    else
        PyObject_Free(bound);
    Py_DECREF(self);
}

static PyObject *light_getattr(PyObject *bound, PyObject *name)
{
    PyObject *heavy = light_heavy(bound);
    PyObject *found = heavy == NULL ? NULL : PyObject_GetAttr(heavy, name);
    Py_XDECREF(heavy);
    return found;
}

static PyObject *light_repr(PyObject *bound)
{
    PyObject *heavy = light_heavy(bound);
    PyObject *text = heavy == NULL ? NULL : PyObject_Repr(heavy);
    Py_XDECREF(heavy);
    return text;
}

static Py_hash_t light_hash(PyObject *bound)
{
    struct light_bound *light = (struct light_bound *)bound;
    return _Py_HashPointer(light->self) ^ _Py_HashPointer(light->method);
}

static PyObject *light_compare(PyObject *left, PyObject *right, int operation)
{
    if (Py_TYPE(left) != Py_TYPE(right) || (operation != Py_EQ && operation != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    struct light_bound *one = (struct light_bound *)left, *other = (struct light_bound *)right;
    int same = one->self == other->self && one->method == other->method;
    return PyBool_FromLong(same == (operation == Py_EQ));
}

static PyTypeObject light_bound_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "otlp_lite.method",
    .tp_basicsize = sizeof(struct light_bound),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(struct light_bound, call),
    .tp_call = PyVectorcall_Call,
    .tp_dealloc = light_dealloc,
    .tp_getattro = light_getattr,
    .tp_repr = light_repr,
    .tp_hash = light_hash,
    .tp_richcompare = light_compare,
};

static PyObject *light_bind(PyObject *descriptor, PyObject *self, PyObject *type)
{
    PyObject *method = ((struct light_method *)descriptor)->method;
    struct light_bound *light;
    if (self == NULL)
        return Py_NewRef(method);
    if (!PyObject_TypeCheck(self, PyDescr_TYPE(method)))
        return Py_TYPE(method)->tp_descr_get(method, self, type); /* says what is wrong */
    if (light_free_count > 0)
        light =
            (struct light_bound *)PyObject_Init(light_free[--light_free_count], &light_bound_type);
    else if ((light = PyObject_New(struct light_bound, &light_bound_type)) == NULL)
        return NULL;
    light->call = light_call;
    light->self = Py_NewRef(self);
    light->method = method;
    return (PyObject *)light;
}

static PyTypeObject light_method_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "otlp_lite.method_descriptor",
    .tp_basicsize = sizeof(struct light_method),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_descr_get = light_bind,
};

/* Gives the class, which has just been made and is never freed, light methods in place of its own. */
static int otlp_lite_lighten(PyTypeObject *type)
{
    static const char *const names[] = {"__enter__", "__exit__"};
    if (PyType_Ready(&light_bound_type) < 0 || PyType_Ready(&light_method_type) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        PyObject *method = PyDict_GetItemString(type->tp_dict, names[i]);
        int flags = method != NULL && Py_IS_TYPE(method, &PyMethodDescr_Type)
                        ? ((PyMethodDescrObject *)method)->d_method->ml_flags
                        : 0;
        if (flags != METH_NOARGS && flags != (METH_FASTCALL | METH_KEYWORDS))
            continue; /* compiled in another way: it stays as it is */
        struct light_method *light = PyObject_New(struct light_method, &light_method_type);
        if (light == NULL)
            return -1;
        light->method = Py_NewRef(method);
        int failed = PyDict_SetItemString(type->tp_dict, names[i], (PyObject *)light);
        Py_DECREF(light);
        if (failed)
            return -1;
    }
    PyType_Modified(type);
    return 0;
}

#else

static int otlp_lite_lighten(PyTypeObject *type)
{
    (void)type;
    return 0;
}

#endif

#endif
