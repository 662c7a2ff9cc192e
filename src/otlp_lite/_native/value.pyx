# cython: language_level=3
"""Python values as OTLP attribute values: first cleaned, while Python code may run, then written, when none may."""

from cpython.bool cimport PyBool_Check
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.long cimport PyLong_Check
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport int64_t, uint32_t

from otlp_lite._native.core cimport compose_close, compose_key, compose_open, compose_scalar
from otlp_lite._native.otlite cimport *

import logging
from collections.abc import Mapping, Sequence

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow)
    bint PyUnicode_IS_ASCII(object text) noexcept
    int PyUnicode_KIND(object text) noexcept
    void *PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept

cdef object logger = logging.getLogger("otlp_lite.attributes")

cdef enum:
    # Receivers give up at 100 nested messages; a value in a map takes three, and the request around it six.
    DEPTH_MAX = 31


cdef inline uint32_t kind_of(object value) noexcept:
    if PyUnicode_IS_ASCII(value):
        return OTLITE_TEXT_UTF8
    cdef int kind = PyUnicode_KIND(value)
    return OTLITE_TEXT_LATIN1 if kind == 1 else OTLITE_TEXT_UCS2 if kind == 2 else OTLITE_TEXT_UCS4


cdef otlite_text text_of(object value) noexcept:
    """A str's text, borrowed: valid while `value` lives."""
    cdef otlite_text text
    text.data = PyUnicode_DATA(value)
    text.length = <uint32_t>PyUnicode_GET_LENGTH(value)
    text.kind = kind_of(value)
    return text


cdef scalar_kind scalar_of(object value, uint32_t length_limit, otlite_value *out) noexcept:
    """Fills `out` (borrowed from `value`) without running Python code. Strings are cut at `length_limit`."""
    cdef int overflow = 0
    if PyUnicode_Check(value):
        out.type = OTLITE_TEXT
        out.as_.text.data = PyUnicode_DATA(value)
        out.as_.text.length = <uint32_t>min(PyUnicode_GET_LENGTH(value), <Py_ssize_t>length_limit)
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
        out.as_.bytes.length = <uint32_t>PyBytes_GET_SIZE(value)
        return SCALAR
    return NOT_SCALAR


cdef bint has_own_text(object value):
    cdef object of = type(value)
    return of.__str__ is not object.__str__ or of.__repr__ is not object.__repr__


cdef str own_text(object value, uint32_t length_limit):
    """str(value), or None when the type has no text of its own or its `__str__` raises."""
    if not has_own_text(value):
        return None
    try:
        return str(value)
    except Exception as error:
        logger.warning("attribute value of type %s: __str__ raised %s; sent as null",
                       type(value).__name__, type(error).__name__)
        return None


cdef object clean(object value, uint32_t length_limit, int depth):
    """`value` as None, bool, int, float, bytes, str, tuple or dict of these, as API 1.45 cleans it.

    Raises OverflowError for an integer outside 64 bits. What cannot be converted becomes None.
    """
    cdef otlite_value scalar
    cdef scalar_kind kind = scalar_of(value, length_limit, &scalar)
    if kind == OUT_OF_RANGE:
        raise OverflowError("attribute value: an integer outside 64 bits")
    if kind == SCALAR:
        if scalar.type == OTLITE_TEXT and len(value) > length_limit:
            return str.__getitem__(value, slice(0, length_limit))
        return value
    if depth == DEPTH_MAX:
        logger.warning("attribute value: nested deeper than %d; sent as null", DEPTH_MAX)
        return None
    if isinstance(value, Sequence):
        return tuple([clean(item, length_limit, depth + 1) for item in value])
    if isinstance(value, Mapping):
        return clean_items(value, length_limit, depth)
    logger.warning("attribute value of type %s: not bool, str, bytes, int, float, None, a sequence or a mapping; "
                   "its str() is sent", type(value).__name__)
    return own_text(value, length_limit)


cdef object clean_key(object key, uint32_t length_limit):
    """The key as API 1.45 takes it from a mapping, or None when the pair is dropped."""
    if not key:
        logger.warning("attribute key: %r is empty; dropped", key)
        return None
    if isinstance(key, str):
        return key
    logger.warning("attribute key of type %s: not a str", type(key).__name__)
    return own_text(key, length_limit)


cdef dict clean_items(object mapping, uint32_t length_limit, int depth):
    cdef dict cleaned = {}
    for key, value in mapping.items():
        key = clean_key(key, length_limit)
        if key is not None:
            cleaned[key] = clean(value, length_limit, depth + 1)
    return cleaned


cdef dict clean_mapping(object mapping, uint32_t length_limit):
    """The attributes of a span, event, link or scope, cleaned; an integer outside 64 bits is left out."""
    cdef dict cleaned = {}
    for key, value in mapping.items():
        key = clean_key(key, length_limit)
        if key is None:
            continue
        try:
            cleaned[key] = clean(value, length_limit, 0)
        except OverflowError:
            logger.warning("attribute %r: an integer outside 64 bits; dropped", key)
    return cleaned


def cleaned(attributes):
    """Attributes of a resource or a scope: a new dict of what OTLP can hold, as API 1.45 cleans them, except that
    a value whose `__str__` raises becomes None, and an integer outside 64 bits is left out."""
    return clean_mapping(attributes, OTLITE_NO_LIMIT) if attributes else {}


cdef void compose_value(otlite_composer *composer, object value) noexcept:
    """Writes what `clean` returned. Runs no Python code."""
    cdef otlite_value scalar
    cdef size_t mark, item_mark, value_mark
    if scalar_of(value, OTLITE_NO_LIMIT, &scalar) == SCALAR:
        compose_scalar(composer, &scalar)
    elif type(value) is tuple:
        mark = compose_open(composer, OTLITE_ARRAY)
        for item in <tuple>value:
            item_mark = compose_open(composer, OTLITE_ITEM)
            compose_value(composer, item)
            compose_close(composer, item_mark)
        compose_close(composer, mark)
    else:
        mark = compose_open(composer, OTLITE_MAP)
        for key, item in (<dict>value).items():
            item_mark = compose_open(composer, OTLITE_ITEM)
            compose_key(composer, text_of(key))
            value_mark = compose_open(composer, OTLITE_KEY_VALUE)
            compose_value(composer, item)
            compose_close(composer, value_mark)
            compose_close(composer, item_mark)
        compose_close(composer, mark)
