# value.pxd - PyObject -> attribute value: the one place; and what is warned of once
from cpython.bool cimport PyBool_Check
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.long cimport PyLong_Check
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport uint32_t

from otlp_lite._native.otlite cimport *

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow)
    bint PyUnicode_IS_ASCII(object text) noexcept
    int PyUnicode_KIND(object text) noexcept
    void *PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept


cdef enum scalar_kind:
    NOT_SCALAR = 0
    SCALAR
    OUT_OF_RANGE  # an integer that OTLP's 64 bits cannot hold, text or bytes of 256 Mi units


cdef inline uint32_t kind_of(object value) noexcept:
    if PyUnicode_IS_ASCII(value):
        return OTLITE_TEXT_UTF8
    cdef int kind = PyUnicode_KIND(value)
    return OTLITE_TEXT_LATIN1 if kind == 1 else OTLITE_TEXT_UCS2 if kind == 2 else OTLITE_TEXT_UCS4


cdef inline otlite_text text_of(object value) noexcept:
    """A str's text, borrowed: valid while `value` lives. What is cut here is too large to be kept anyway."""
    cdef otlite_text text
    text.data = PyUnicode_DATA(value)
    text.length = <uint32_t>min(<size_t>PyUnicode_GET_LENGTH(value), <size_t>OTLITE_TEXT_MAX)
    text.kind = kind_of(value)
    return text


cdef inline scalar_kind scalar_of(object value, uint32_t length_limit, otlite_value *out) noexcept:
    """Fills `out` (borrowed from `value`) without running Python code. Strings are cut at `length_limit`."""
    cdef int overflow = 0
    cdef size_t length
    if PyUnicode_Check(value):
        out.type = OTLITE_TEXT
        out.as_.text.data = PyUnicode_DATA(value)
        length = min(<size_t>PyUnicode_GET_LENGTH(value), <size_t>length_limit)
        if length > OTLITE_TEXT_MAX:
            return OUT_OF_RANGE
        out.as_.text.length = <uint32_t>length
        out.as_.text.kind = kind_of(value)
        return SCALAR
    if PyBool_Check(value):
        out.type = OTLITE_BOOL
        out.as_.boolean = value is True
        return SCALAR
    if PyLong_Check(value):
        out.type = OTLITE_INT
        out.as_.integer = PyLong_AsLongLongAndOverflow(value, &overflow)
        return SCALAR if overflow == 0 else OUT_OF_RANGE
    if PyFloat_Check(value):
        out.type = OTLITE_DOUBLE
        out.as_.real = PyFloat_AS_DOUBLE(value)
        return SCALAR
    if value is None:
        out.type = OTLITE_NONE
        return SCALAR
    if PyBytes_Check(value):
        out.type = OTLITE_BYTES
        out.as_.bytes.data = PyBytes_AS_STRING(value)
        length = <size_t>PyBytes_GET_SIZE(value)
        if length > OTLITE_TEXT_MAX:
            return OUT_OF_RANGE
        out.as_.bytes.length = <uint32_t>length
        return SCALAR
    return NOT_SCALAR


cdef object once(str kind, object what, str message, tuple arguments)
cdef object warn_anew()
cdef object warn_of_range(object key, object what)
cdef object warn_of_reading(object key, object error)
cdef object warn_of_mapping(object attributes, object error)
cdef object clean(object value, uint32_t length_limit)
cdef dict clean_mapping(object mapping, uint32_t length_limit)
cdef void compose_value(otlite_composer *composer, object value) noexcept
