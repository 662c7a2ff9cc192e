# core.pxd - what the sibling extensions reach of the core: libotlite.a is linked into core alone
from cpython.ref cimport PyObject
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from otlp_lite._native.otlite cimport (
    otlite_batch, otlite_composer, otlite_http_answer, otlite_ids, otlite_list, otlite_loss, otlite_message,
    otlite_place, otlite_region, otlite_scratch, otlite_span, otlite_status, otlite_text, otlite_ticks,
    otlite_value,
)


# On the private page that a forked child finds zeroed.
cdef struct process_page:
    uint32_t epoch          # 0: not set up in this process
    otlite_ticks ticks
    otlite_ids random_ids
    otlite_ids os_ids


cdef class Answer:
    cdef otlite_http_answer state
    cdef bytearray buffer


cdef class Batch
cdef class Receipt


cdef enum record_fate:
    FATE_PENDING = 0
    FATE_EXPORTED
    FATE_REJECTED         # of its batch some were, or all
    FATE_DROPPED


cdef class Region:
    cdef otlite_region region
    cdef void *memory
    cdef Py_buffer given          # the memory, where it is another's
    cdef readonly size_t size
    cdef uint32_t epoch           # of the process that mapped it
    cdef readonly uint32_t open_spans  # that it can tell of
    cdef readonly bint durable    # the memory of a file, which outlives the process: a forked child has no part in it
    cdef bint waits               # spans that were open wait for room
    cdef bytearray waker
    cdef public uint64_t resent   # the exporter's: records sent again after a lost answer
    cdef readonly uint64_t given_up  # records dropped at a shutdown, those aside that came after it
    cdef public bint unanswered   # the exporter's: the last answer was lost
    cdef PyObject *out            # the batch that was pinned last, borrowed, and by which thread
    cdef unsigned long out_thread
    cdef uint64_t pins            # how often one was
    cdef PyObject **receipts      # of each chunk the newest, borrowed; NULL: there was none so far
    cdef public object endpoint   # who takes the batches that are collected from here on

    cdef bint is_ours(self) noexcept
    cdef void note_pinned(self, Batch batch) noexcept
    cdef uint32_t register_resource(self, bytes encoded, bytes schema_url) except? 0xffffffff
    cdef bint register_scope(self, bytes encoded, bytes schema_url, uint32_t *handle) noexcept
    cdef int expect_receipts(self) except -1
    cdef void watch(self, Receipt receipt) noexcept
    cdef PyObject *gather(self, const otlite_batch *batch) noexcept


cdef class Batch:
    cdef Region owner
    cdef otlite_batch batch
    cdef object endpoint

    cdef void settle(self, record_fate fate, otlite_loss loss, uint32_t rejected, bint answered) noexcept


# Of a record: whoever keeps this learns what becomes of it.
cdef class Receipt:
    cdef otlite_place place
    cdef Region region            # where it lies, until that is known
    cdef PyObject *older          # receipts of the same chunk, borrowed
    cdef PyObject *newer
    cdef record_fate fate
    cdef uint32_t rejected        # of so many `records`
    cdef uint32_t records
    cdef uint64_t settled_at      # wall clock
    cdef object endpoint          # who took it

    cdef record_fate look(self) noexcept
    cdef void leave(self) noexcept


cdef object raise_status(otlite_status status, str what)

cdef process_page *process() noexcept
cdef uint32_t begin_process() noexcept

# The hot path, one call each.
cdef void ids_next(otlite_ids *ids, uint64_t now, uint8_t *trace_id, uint8_t *span_id) noexcept
cdef uint64_t span_clock(Region region, uint64_t *boot, uint8_t *anchor) noexcept
cdef uint64_t span_clock_at(Region region, uint8_t anchor) noexcept
cdef otlite_status span_record(Region region, const otlite_span *span, uint32_t resource, uint32_t scope) noexcept
cdef otlite_status span_record_large(Region region, const otlite_span *span, uint32_t resource,
                                     uint32_t scope) noexcept

cpdef object say(object log, int level, str message, tuple arguments, object exc_info=*)

cdef void region_lost(Region region, otlite_loss loss) noexcept

cdef otlite_status open_begin(Region region, otlite_span *span, uint32_t resource, uint32_t scope) noexcept
cdef void open_end(Region region, uint32_t open) noexcept
cdef void open_lost(Region region) noexcept

cdef void scratch_init(otlite_scratch *scratch, void *block, uint32_t size) noexcept
cdef otlite_status scratch_move(otlite_scratch *scratch, void *block, uint32_t size) noexcept
cdef otlite_status scratch_attribute(otlite_scratch *scratch, uint64_t hash, otlite_text key,
                                     const otlite_value *value, uint32_t limit) noexcept
cdef void scratch_remove(otlite_scratch *scratch, uint64_t hash, otlite_text key) noexcept
cdef bint scratch_field(const otlite_scratch *scratch, otlite_list list, uint32_t index, const uint8_t **data,
                        uint32_t *size) noexcept

cdef void compose_begin(otlite_composer *composer, otlite_scratch *scratch, otlite_list list) noexcept
cdef void compose_key(otlite_composer *composer, otlite_text key) noexcept
cdef void compose_event(otlite_composer *composer, otlite_text name, uint64_t time) noexcept
cdef void compose_link(otlite_composer *composer, const uint8_t *trace_id, const uint8_t *span_id) noexcept
cdef void compose_tail(otlite_composer *composer, uint32_t dropped_attributes, uint32_t flags) noexcept
cdef size_t compose_open(otlite_composer *composer, otlite_message message) noexcept
cdef void compose_close(otlite_composer *composer, size_t mark) noexcept
cdef void compose_scalar(otlite_composer *composer, const otlite_value *value) noexcept
cdef otlite_status compose_end(otlite_composer *composer, uint64_t hash, uint32_t limit) noexcept

cdef bytes encode_resource(const otlite_scratch *attributes)
cdef bytes encode_scope(otlite_text name, otlite_text version, const otlite_scratch *attributes)
