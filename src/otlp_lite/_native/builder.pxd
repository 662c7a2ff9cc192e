# builder.pxd - spans whose states are types
from libc.stdint cimport uint8_t, uint32_t

from otlp_lite._native.core cimport Receipt
from otlp_lite._native.span cimport Recorder, Span
from otlp_lite._native.trace cimport Tracer


cdef class SpanBuilder:
    cdef object name
    cdef Tracer tracer
    cdef object kind
    cdef object parent            # UNSET: the current span
    cdef object start_at
    cdef dict attributes
    cdef list links
    cdef bint started

    cdef int building(self, str call) except -1
    cdef object context(self)


cdef class EndedSpan(Receipt):
    cdef object name
    cdef Recorder recorder
    cdef object trace_state
    cdef object why               # it was not recorded
    cdef uint32_t epoch           # of the process that the span belongs to
    cdef uint8_t trace_id[16]
    cdef uint8_t span_id[8]
    cdef uint8_t trace_flags


cdef class LiveSpan(Span):
    cdef Tracer tracer
    cdef EndedSpan receipt        # while it ends, whoever ends it
    cdef object why               # it is not recorded
    cdef bint over                # end() has given the next state

    cdef int live(self, str call) except -1
    cdef void close(self) noexcept
