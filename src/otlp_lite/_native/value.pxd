# value.pxd - PyObject -> attribute value: the one place
from libc.stdint cimport uint32_t

from otlp_lite._native.otlite cimport otlite_composer, otlite_text, otlite_value


cdef enum scalar_kind:
    NOT_SCALAR = 0
    SCALAR
    OUT_OF_RANGE  # an integer that OTLP's 64 bits cannot hold


cdef otlite_text text_of(object value) noexcept
cdef scalar_kind scalar_of(object value, uint32_t length_limit, otlite_value *out) noexcept
cdef object clean(object value, uint32_t length_limit, int depth)
cdef dict clean_mapping(object mapping, uint32_t length_limit)
cdef void compose_value(otlite_composer *composer, object value) noexcept
