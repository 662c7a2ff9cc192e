# span.pxd - live spans, and what they share: their recorder and their scope
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from otlp_lite._native.core cimport Region, process_page
from otlp_lite._native.otlite cimport otlite_ids, otlite_list, otlite_loss, otlite_scratch, otlite_span, otlite_text


cdef enum:
    FLAG_SAMPLED = 1
    FLAG_RANDOM = 2


cdef struct span_limits:
    uint32_t attributes, events, links, event_attributes, link_attributes
    uint32_t value_length, span_value_length


# What one provider records into, in this process.
cdef class Recorder:
    cdef Region region
    cdef uint32_t epoch           # of the process that opened the region
    cdef uint32_t resource_handle
    cdef uint32_t open_spans      # that the region tells of
    cdef bint tell_open           # and that it is to
    cdef span_limits limits
    cdef tuple processors
    cdef Recorder rest            # what an ended span needs of this one: not its processors, which may keep the span
    cdef object pipeline          # None: what ends is not kept
    cdef bint unsupported         # and lost: by the protocol that is set
    cdef object make_resource
    cdef readonly object resource  # of this process
    cdef bytes resource_encoded
    cdef bytes resource_schema_url
    cdef object slots             # that regions of files come from; None: they are anonymous
    cdef size_t region_size
    cdef size_t span_max          # bytes of attributes, events and links that one span may hold
    cdef str on_full
    cdef bint announced           # the pipeline knows that there are records
    cdef bint closed              # shutdown() was called
    cdef bint shut                # and is through
    cdef bint exiting             # it was, by a process that ends
    cdef bint quiet               # the process ends: another thread than this that writes then may stop the exit
    cdef unsigned long exit_thread
    cdef bint restarting          # restart() was called, and is not through
    cdef int shut_pid             # of the process that called either
    cdef tuple retired            # the processors that were shut down
    cdef bint warned_memory
    cdef bint warned_closed
    cdef readonly uint64_t detach_failures

    cdef bint open(self) except -1
    cdef int bring_back(self) except -1
    cdef int take_up(self) except -1
    cdef Region map_region(self)
    cdef int announce(self) except -1
    cdef int register_resource(self) except -1


cdef class Scope:
    cdef readonly object described
    cdef bytes encoded
    cdef bytes schema_url
    cdef uint32_t handle
    cdef uint32_t epoch           # of the region that gave the handle


cdef struct schema_key:
    otlite_text text
    uint64_t hash


# What the spans of one SpanSchema have in common.
cdef class Schema:
    cdef readonly object of       # the SpanSchema
    cdef object name
    cdef object kind
    cdef tuple fields             # names of the fields
    cdef tuple defaults           # one for each; REQUIRED: none
    cdef tuple names              # their keys
    cdef tuple encoded            # and as bytes
    cdef schema_key *keys
    cdef Py_ssize_t count

    cdef list arrange(self, list values, tuple named)
    cdef dict attributes(self, PyObject *const *values)
    cdef Py_ssize_t index(self, object field)


cdef class Span:
    cdef Recorder recorder
    cdef Scope scope
    cdef Schema _schema           # these two are SchemaSpan's: of one size, both use the same free list
    cdef list values              # of the schema's fields, when it is not recorded
    cdef readonly object name
    cdef object trace_state       # TraceState, or None for an empty one
    cdef object parent_context    # SpanContext as it was given, else None: built when asked for
    cdef object parent_state
    cdef object description       # of the status
    cdef list link_contexts
    cdef object cached_context
    cdef object __weakref__
    cdef otlite_span data
    cdef otlite_scratch scratch
    cdef uint32_t epoch
    cdef uint8_t trace_flags
    cdef uint8_t parent_flags
    cdef bint ended
    cdef bint wanted              # its receipt is
    cdef bint unsampled           # never recorded: made by a schema, whose fields may be set
    cdef bint leaf                # left by `with`, it treats exceptions as a current span does
    cdef bint record_on_exit
    cdef bint status_on_exit

    cdef int put(self, object key, object value, uint32_t length_limit) except -1
    cdef dict _bounded(self, object attributes, uint32_t limit, uint32_t *dropped)
    cdef int put_all(self, object attributes) except -1
    cdef int take_all(self, object attributes) except -1
    cdef int put_link(self, object context, object attributes) except -1
    cdef bint grow(self, otlite_list list, object what) except? False
    cdef int finish(self, object end_time) except -1
    cdef int keep(self, object header) except -1
    cdef int store(self) except -1
    cdef bint renew_handles(self, bint again) except -1
    cdef int tell_open(self) except -1
    cdef bint told_of(self) noexcept
    cdef void leave_open(self) noexcept
    cdef int too_late(self, str call, str what) except -1
    cdef int expect(self) except -1
    cdef void kept(self) noexcept
    cdef void lose(self, otlite_loss loss) noexcept
    cdef int fail(self, object error, bint record, bint set_status, bint escaped) except -1


cdef class SchemaSpan(Span):
    cdef int put_fields(self, PyObject *const *values) except -1


cdef class UnsampledSpan:
    cdef object trace_state
    cdef object cached_context
    cdef object __weakref__
    cdef uint8_t trace_id[16]
    cdef uint8_t span_id[8]
    cdef uint8_t trace_flags


cdef process_page *page
cdef object id_number(const uint8_t *data, int size)
cdef object new_context(const uint8_t *trace_id, const uint8_t *span_id, uint8_t flags, object state)
cdef bint take_time(object value, str what, uint64_t *time) except -1
cdef bytes id_bytes(object number, int size)
cdef object plain_text(object value)
cpdef object hook_failed(object of, str hook, object error)
cdef int close_type(object of) except -1
