# trace.pxd - the provider and its tracers
from libc.stdint cimport uint8_t, uint64_t

from cpython.object cimport PyObject

from otlp_lite._native.otlite cimport otlite_ids
from otlp_lite._native.span cimport Recorder, Schema, Scope, Span


cdef enum decision_kind:
    DROP = 0
    SAMPLE
    RATIO


# What a built-in sampler does, for each kind of parent.
cdef struct decision:
    decision_kind kind
    uint64_t bound  # RATIO: trace ids whose low 64 bits are below it are sampled


cdef enum parent_kind:
    ROOT = 0
    REMOTE_SAMPLED
    REMOTE_UNSAMPLED
    LOCAL_SAMPLED
    LOCAL_UNSAMPLED


cdef class TracerProvider:
    cdef Recorder recorder
    cdef readonly object sampler
    cdef readonly object id_generator
    cdef decision plan[5]
    cdef bint planned          # `plan` says what `sampler` would
    cdef otlite_ids *ids       # NULL: ask id_generator
    cdef object describe_scope
    cdef dict tracers
    cdef readonly uint8_t root_flags   # of a new trace, before sampling

    cdef int generate(self, uint64_t now, uint8_t *trace_id, uint8_t *span_id) except -1


cdef class Tracer:
    cdef TracerProvider provider   # None until there is one
    cdef Recorder recorder
    cdef Scope scope
    cdef tuple late                # get_tracer's arguments, while there is none

    cdef object start(self, object name, object context, object kind, object attributes, object links,
                      object start_time, bint record_exception, bint set_status_on_exception,
                      object current, Span made, Schema schema, PyObject *const *values)


cdef class BoundLeaf:
    cdef Tracer tracer
    cdef Schema schema


cdef class CurrentSpan:
    cdef Tracer tracer
    cdef object name
    cdef tuple rest
    cdef object span
    cdef object attached
    cdef object token
    cdef bint record_exception
    cdef bint set_status_on_exception
    cdef bint end_on_exit
    cdef bint given           # its span was started before


cdef Tracer tracer_of_caller()
cdef CurrentSpan current_of(Span span)
