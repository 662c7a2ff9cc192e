# cython: language_level=3, auto_pickle=False
"""The region as Python sees it: batches, one exchange, the CPU table; the one place where a status raises."""

cimport cython
from cpython.buffer cimport PyBUF_READ, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.errno cimport errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy, memset, strlen
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.version cimport PY_VERSION_HEX
from posix.unistd cimport getpid

from otlp_lite._native.otlite cimport *

import os

cdef extern from "pythread.h" nogil:
    unsigned long PyThread_get_thread_ident()

LAYOUT = LAYOUT_VERSION

LOSSES = tuple(otlite_loss_text(<otlite_loss>i).decode() for i in range(OTLITE_LOSSES))

SAYING_MAX = 0.5  # seconds

cdef enum:
    ANSWER_SIZE = 65536  # ExportTraceServiceResponse takes a few dozen bytes, and a message at most


class WrongProtocol(OSError):
    """The peer does not speak our protocol."""

    acknowledged = 0


class Busy(RuntimeError):
    """Another has a batch out."""


class Unreadable(ValueError):
    """Memory that holds no region that could be read; its words are a status's: foreign, another version, damaged,
    truncated."""


cdef object raise_status(otlite_status status, str what):
    """The one place where a status becomes an exception."""
    text = otlite_status_text(status).decode()
    if status == OTLITE_TIMEOUT:
        raise TimeoutError(f"{what}: no whole answer before the deadline")
    if status == OTLITE_CLOSED:
        raise ConnectionResetError(f"{what}: the peer closed the connection before its answer was whole")
    if status == OTLITE_SYSTEM:
        raise OSError(errno, f"{what}: {os.strerror(errno)}")
    if status == OTLITE_MALFORMED:
        raise ValueError(f"{what}: the answer is not HTTP/1.1" if what == "receiver" else f"{what}: {text}")
    if status == OTLITE_HTTP2:
        raise WrongProtocol(f"{what}: it speaks HTTP/2, as gRPC does")
    if status in (OTLITE_FOREIGN, OTLITE_VERSION, OTLITE_DAMAGED, OTLITE_TRUNCATED):
        raise Unreadable(text)
    if status == OTLITE_NO_ROOM or status == OTLITE_TABLE_FULL:
        raise MemoryError(f"{what}: {text}")
    if status == OTLITE_BUSY:
        raise Busy(f"{what}: another batch is out")
    raise RuntimeError(f"{what}: {text}")


cdef uint32_t loss_number(str loss) except? 0xffffffff:
    try:
        return LOSSES.index(loss)
    except ValueError:
        raise ValueError(f"loss: {loss!r} is not one of {', '.join(LOSSES)}") from None


cdef uint64_t deadline_after(double seconds) noexcept nogil:
    cdef double ns = seconds * 1e9
    return otlite_clock_boot() + (<uint64_t>ns if 0 < ns < 9e18 else 1 if ns <= 0 else <uint64_t>9e18)


# ---- The process ----

cdef process_page *page = NULL

cdef process_page *process() noexcept:
    return page

cdef uint32_t epochs = 0

cdef uint32_t begin_process() noexcept:
    """This process's number among those that it was forked from; sets up its page."""
    global epochs
    if page.epoch == 0:
        epochs += 1
        otlite_ticks_init(&page.ticks)
        otlite_ids_init(&page.random_ids, False)
        otlite_ids_init(&page.os_ids, True)
        page.epoch = epochs
    return page.epoch

cdef object _setup_page():
    global page
    page = <process_page *>otlite_private_page()
    if page == NULL:
        raise MemoryError("otlp_lite: the system refused one page of memory")

_setup_page()
otlite_kernels_select(NULL)


# ---- Answers ----

cdef class Answer:
    """What a receiver answered, parsed as its bytes come, without I/O."""

    def __cinit__(self):
        self.buffer = bytearray(ANSWER_SIZE)
        otlite_http_begin(&self.state, PyByteArray_AS_STRING(self.buffer), ANSWER_SIZE)

    @property
    def status(self):
        return self.state.status

    @property
    def complete(self):
        return bool(self.state.complete)

    @property
    def close(self):
        return bool(self.state.close)

    @property
    def cut(self):
        """The body is longer than what is kept of it."""
        return bool(self.state.cut)

    @property
    def retry_after(self):
        return self.state.retry_after.decode("latin-1")

    @property
    def body(self):
        return bytes(self.buffer[:self.state.body_used])

    def feed(self, bytes data not None):
        """Takes bytes as they came. ValueError when they are not an HTTP/1.x answer, WrongProtocol for HTTP/2."""
        cdef otlite_status status = otlite_http_feed(&self.state, PyBytes_AS_STRING(data), len(data))
        if status != OTLITE_OK:
            raise_status(status, "receiver")

    def eof(self):
        """The peer closed. ConnectionResetError unless that ends the answer."""
        cdef otlite_status status = otlite_http_eof(&self.state)
        if status != OTLITE_OK:
            raise_status(status, "receiver")


cdef inline bint all_accepted(const otlite_http_answer *answer) noexcept nogil:
    # an empty ExportTraceServiceResponse, or one with an empty partial_success
    return answer.status == 200 and (
        answer.body_used == 0
        or (answer.body_used == 2 and answer.body[0] == 0x0A and answer.body[1] == 0))


# ---- Batches ----

@cython.no_gc  # it refers to its region, which holds nothing that could refer back
cdef class Batch:
    """Committed records pinned in a region, as the body of one request. Valid until it is settled."""

    def __init__(self):
        raise TypeError("a batch is collected from its region")

    def __dealloc__(self):
        if self.owner is not None:
            if self.owner.is_ours():  # no other can be collected while it is pinned
                otlite_batch_release(&self.owner.region, &self.batch)
            if self.owner.out == <PyObject *>self:
                self.owner.out = NULL

    @property
    def records(self):
        return self.batch.records

    @property
    def size(self):
        """Bytes of the body."""
        return self.batch.size

    @property
    def copied(self):
        """Of these, bytes that were gathered by copy; the rest is sent from where it was recorded."""
        return self.batch.copied

    @property
    def pinned(self):
        return bool(self.batch.pinned)

    def segments(self):
        """The body in pieces, read-only, valid while the batch is pinned."""
        self._check()
        return [PyMemoryView_FromMemory(<char *>self.batch.segments[i].data, <Py_ssize_t>self.batch.segments[i].size,
                                        PyBUF_READ)
                for i in range(self.batch.segment_count)]

    def tobytes(self):
        """The whole body, copied."""
        self._check()
        cdef bytes body = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>self.batch.size)
        cdef char *at = PyBytes_AS_STRING(body)
        cdef uint32_t i
        for i in range(self.batch.segment_count):
            memcpy(at, self.batch.segments[i].data, self.batch.segments[i].size)
            at += self.batch.segments[i].size
        return body

    def json(self):
        """The body as a line of OTLP/JSON, without its end. ValueError when it is no request."""
        self._check()
        cdef otlite_json state
        cdef size_t room = 3 * self.batch.size + OTLITE_JSON_ROOM  # what a usual batch needs
        cdef size_t used = 0, written
        cdef char *line = <char *>PyMem_RawMalloc(room)
        cdef char *larger
        cdef otlite_status status = OTLITE_OK
        otlite_json_begin(&state, self.batch.segments, self.batch.segment_count)
        with nogil:
            while line != NULL:
                status = otlite_json_next(&state, line + used, room - used, &written)
                if status != OTLITE_OK:
                    break
                used += written
                if room - used < OTLITE_JSON_ROOM:
                    room *= 2
                    larger = <char *>PyMem_RawRealloc(line, room)
                    if larger == NULL:
                        PyMem_RawFree(line)
                    line = larger
        if line == NULL:
            raise MemoryError(f"batch: no memory for {room} bytes of JSON")
        try:
            if status != OTLITE_EMPTY:
                raise_status(status, "batch")
            return PyBytes_FromStringAndSize(line, <Py_ssize_t>used)
        finally:
            PyMem_RawFree(line)

    def offer(self):
        """Notes that the batch is about to leave."""
        otlite_batch_offer(&self.owner.region, &self.batch)

    def acknowledge(self, uint32_t rejected=0):
        """The receiver took the batch, but for `rejected` of its records."""
        self.settle(FATE_EXPORTED if rejected == 0 else FATE_REJECTED, OTLITE_LOSSES, rejected, True)

    def drop(self, str loss not None, bint answered=False):
        """Gives the records up, counted under `loss`. `answered`: the receiver has said that it took none of them."""
        cdef otlite_loss counted = <otlite_loss>loss_number(loss)
        if counted == OTLITE_LOSS_SHUTDOWN and self.batch.pinned:
            self.owner.given_up += self.batch.records
        self.settle(FATE_REJECTED if counted == OTLITE_LOSS_REFUSED else FATE_DROPPED, counted, self.batch.records,
                    answered)

    cdef void settle(self, record_fate fate, otlite_loss loss, uint32_t rejected, bint answered) noexcept:
        """Acknowledges it, or drops it for `loss`; who holds receipts finds out once that is counted."""
        cdef PyObject *told = self.owner.gather(&self.batch)
        cdef uint32_t records = self.batch.records
        if loss == OTLITE_LOSSES:
            otlite_batch_acknowledge(&self.owner.region, &self.batch, rejected)
        else:
            otlite_batch_drop(&self.owner.region, &self.batch, loss, answered)
        cdef uint64_t now = 0 if told == NULL else otlite_clock_wall()
        cdef Receipt receipt
        while told != NULL:
            receipt = <Receipt>told
            told, receipt.older = receipt.older, NULL
            receipt.fate = fate
            receipt.place.loss = loss
            receipt.rejected = min(rejected, records)
            receipt.records = records
            receipt.settled_at = now
            receipt.endpoint = self.endpoint

    def release(self):
        """Unpins: a full region may overwrite the records meanwhile."""
        otlite_batch_release(&self.owner.region, &self.batch)

    def of(self, Region region not None):
        """Whether it was collected from there."""
        return self.owner is region

    def repin(self):
        """Pins again. False when some of it was overwritten: collect anew."""
        if otlite_batch_repin(&self.owner.region, &self.batch) != OTLITE_OK:
            return False
        self.owner.note_pinned(self)
        return True

    def _check(self):
        if not self.batch.pinned:
            raise RuntimeError("batch: it is not pinned, its bytes may be gone")


@cython.no_gc  # it refers to a region, and to who took the batch, by its name
cdef class Receipt:
    """What became of one record. Its holder alone keeps it: the region's lists of them are threaded through them.

    All is done with the GIL held, but for the collector's question whether somebody watches a chunk.
    """

    def __init__(self):
        raise TypeError("a receipt is given by the end of a span")

    def __dealloc__(self):
        self.leave()

    cdef record_fate look(self) noexcept:
        """What is known by now. Its region is asked in the process that it belongs to."""
        if (self.fate == FATE_PENDING and self.region is not None and self.region.epoch == page.epoch
                and not otlite_place_kept(&self.region.region, &self.place)):
            self.leave()
            self.fate = FATE_DROPPED
            self.place.loss = OTLITE_LOSS_OVERWRITTEN
        return self.fate

    cdef void leave(self) noexcept:
        """Nothing more is to be learned from its region, or nobody wants to."""
        cdef Region region = self.region
        if region is None:
            return
        if self.older != NULL:
            (<Receipt>self.older).newer = self.newer
        if self.newer != NULL:
            (<Receipt>self.newer).older = self.older
        else:
            region.receipts[self.place.chunk] = self.older
            if self.older == NULL and region.is_ours():
                otlite_place_leave(&region.region, &self.place)
        self.older = self.newer = NULL
        self.region = None


class Stats:
    """A snapshot of a region's counters."""

    __slots__ = ("recorded", "adopted", "exported", "rejected", "dropped", "unanswered", "pending", "given_up",
                 "chunks", "chunks_used", "scopes", "scopes_used",
                 "open_spans", "open_spans_used", "open_spans_missed", "open_spans_cut")


# ---- The region ----

cdef void wake_waker(void *waker) noexcept nogil:
    otlite_waker_post(waker)


@cython.no_gc  # neither the waker nor the memory refers to anything
cdef class Region:
    """One fixed block of memory that holds ended records until a receiver has them.

    `size` in bytes, 64 KiB to 1 GiB. `on_full`: "overwrite" the oldest records or "drop" the newest; or "wait", for one
    that is adopted and nobody records into: as "drop", but no open span is lost, see adopt_open(). `descriptor`: the
    memory is that of an open file of this size, whose blocks are reserved; its region, which a dead process left, is
    to be `adopt`ed, or one is laid out. `left`: a writable buffer with such a region, of any size, which is adopted.
    `boot_id`: 16 bytes that name this boot. `open_spans`: of the memory of a file, spans that are told of while they
    are open; one that is adopted keeps the number it has. OSError where it cannot be mapped, Unreadable where it is no
    region.
    """

    def __cinit__(self, size_t size, *, str on_full="overwrite", int descriptor=-1, bint adopt=False, left=None,
                  bytes boot_id=bytes(OTLITE_BOOT_ID), uint32_t open_spans=0):
        if left is None and not OTLITE_REGION_MIN <= size <= OTLITE_REGION_MAX:
            raise ValueError(f"region_size: {size} is not between {OTLITE_REGION_MIN} and {OTLITE_REGION_MAX} bytes")
        if on_full not in ("overwrite", "drop", "wait"):
            raise ValueError(f"on_full: {on_full!r} is not 'overwrite', 'drop' or 'wait'")
        if len(boot_id) != OTLITE_BOOT_ID:
            raise ValueError(f"boot_id: {boot_id!r} is not {OTLITE_BOOT_ID} bytes long")
        self.waker = bytearray(otlite_waker_size())
        cdef otlite_status status = otlite_waker_init(PyByteArray_AS_STRING(self.waker))
        if status != OTLITE_OK:
            raise_status(status, "region")
        cdef void *memory
        self.epoch = begin_process()
        self.durable = descriptor >= 0
        self.waits = on_full == "wait"
        if left is not None:
            PyObject_GetBuffer(left, &self.given, PyBUF_SIMPLE | PyBUF_WRITABLE)
            memory, size = self.given.buf, <size_t>self.given.len
        else:
            memory = self.memory = otlite_map_shared(descriptor, size) if self.durable else otlite_map(size)
        if memory == NULL and self.durable:
            raise_status(OTLITE_SYSTEM, "region")
        if memory == NULL:
            raise MemoryError(f"region_size: the system refused {size} bytes")
        self.size = size
        cdef otlite_region_options options
        memset(&options, 0, sizeof(options))
        options.on_full = OTLITE_OVERWRITE_OLDEST if on_full == "overwrite" else OTLITE_DROP_NEWEST
        options.wake = wake_waker
        options.context = PyByteArray_AS_STRING(self.waker)
        options.durable = self.durable or left is not None
        options.open_spans = open_spans
        options.open_wait = self.waits
        memcpy(options.boot_id, PyBytes_AS_STRING(boot_id), OTLITE_BOOT_ID)
        cdef otlite_adoption adoption
        if adopt or left is not None:
            status = otlite_region_adopt(&self.region, memory, size, &options, &adoption)
            self.unanswered = status == OTLITE_OK and adoption.offered > 0
        else:
            status = otlite_region_init(&self.region, memory, size, &options)
        if status != OTLITE_OK:
            raise_status(status, "region")
        cdef otlite_stats now
        otlite_region_stats(&self.region, &now)
        self.open_spans = now.open_spans

    def __dealloc__(self):
        if self.memory != NULL and self.is_ours():
            otlite_unmap(self.memory, self.size)
        if self.given.buf != NULL:
            PyBuffer_Release(&self.given)
        PyMem_RawFree(self.receipts)

    cdef bint is_ours(self) noexcept:
        """Whether the memory is there: of a parent's file a child has nothing, and perhaps another map there."""
        return not self.durable or self.epoch == page.epoch

    cdef uint32_t register_resource(self, bytes encoded, bytes schema_url) except? 0xffffffff:
        cdef uint32_t handle = 0
        cdef otlite_status status = otlite_resource_register(
            &self.region, PyBytes_AS_STRING(encoded), len(encoded), PyBytes_AS_STRING(schema_url), len(schema_url),
            &handle)
        if status != OTLITE_OK:
            raise_status(status, "resource")
        return handle

    cdef bint register_scope(self, bytes encoded, bytes schema_url, uint32_t *handle) noexcept:
        """False when there is no room: said so, as an exception at each span that is dropped would take memory."""
        return otlite_scope_register(
            &self.region, PyBytes_AS_STRING(encoded), len(encoded), PyBytes_AS_STRING(schema_url), len(schema_url),
            handle) == OTLITE_OK

    cdef int expect_receipts(self) except -1:
        """Before a record with a place is made."""
        if self.receipts == NULL:
            self.receipts = <PyObject **>PyMem_RawCalloc(self.region.chunk_count, sizeof(PyObject *))
            if self.receipts == NULL:
                raise MemoryError("receipts: no memory for a list of them")
        return 0

    cdef void watch(self, Receipt receipt) noexcept:
        """Its record was made, and the GIL has been held since: nothing became of it."""
        cdef PyObject **newest = &self.receipts[receipt.place.chunk]
        while newest[0] != NULL and (<Receipt>newest[0]).place.generation != receipt.place.generation:
            (<Receipt>newest[0]).look()  # overwritten, and not looked at since
        receipt.region = self
        receipt.older = newest[0]
        if newest[0] != NULL:
            (<Receipt>newest[0]).newer = <PyObject *>receipt
        newest[0] = <PyObject *>receipt

    cdef PyObject *gather(self, const otlite_batch *batch) noexcept:
        """Takes the receipts for a batch's records out of their lists, into one by `older`."""
        cdef PyObject *gathered = NULL
        cdef PyObject *at
        cdef PyObject *older
        cdef otlite_part part
        cdef uint32_t next = 0
        while self.receipts != NULL and otlite_batch_watched(&self.region, batch, &next, &part):
            at = self.receipts[part.chunk]
            while at != NULL:
                older = (<Receipt>at).older
                if ((<Receipt>at).place.generation == part.generation
                        and part.first <= (<Receipt>at).place.record < part.to):
                    (<Receipt>at).leave()
                    (<Receipt>at).older = gathered
                    gathered = at
                at = older
        return gathered

    @property
    def record_max(self):
        """Bytes of the largest record."""
        return otlite_region_record_max(&self.region)

    def collect(self, uint32_t max_bytes, uint32_t max_records=0, bint gather=False):
        """The oldest records as one batch, pinned; None when there are none.

        `max_bytes` of body (one larger record goes alone), `max_records` (0: no bound). `gather` asks for one
        contiguous body where it fits the region's gather buffer.
        """
        cdef otlite_batch_limits limits
        limits.max_bytes = max_bytes
        limits.max_records = max_records
        limits.gather = gather
        cdef Batch batch = Batch.__new__(Batch)
        batch.owner = self
        batch.endpoint = self.endpoint
        cdef otlite_status status
        with nogil:
            status = otlite_batch_collect(&self.region, &limits, &batch.batch)
        if status == OTLITE_EMPTY:
            return None
        if status != OTLITE_OK:
            raise_status(status, "collect")
        self.note_pinned(batch)
        return batch

    def drain(self, int descriptor, bytes head not None, uint32_t max_bytes, uint32_t max_records, double timeout,
              uint64_t until=0):
        """Sends batch after batch in one release of the GIL: (batch, answer, records acknowledged).

        `head` is the request's head without Content-Length and the empty line. (None, None, n): the region is
        empty, or `until` records are sent. (batch, answer, n): the answer is not a plain success; the batch is
        pinned and wants a decision. (None, answer, n): acknowledged, but the connection must be closed. An
        exception leaves the batch released; its `sent` says whether bytes had left, its `acknowledged` is n.
        """
        cdef otlite_batch_limits limits
        limits.max_bytes = max_bytes
        limits.max_records = max_records
        limits.gather = False
        cdef Batch batch = Batch.__new__(Batch)
        batch.owner = self
        batch.endpoint = self.endpoint
        cdef Answer answer = Answer.__new__(Answer)
        cdef otlite_status status
        cdef otlite_part part
        cdef uint32_t next
        cdef uint64_t done = 0
        cdef cbool sent = False
        cdef const char *start = PyBytes_AS_STRING(head)
        cdef size_t head_size = len(head)
        with nogil:
            while True:
                status = otlite_batch_collect(&self.region, &limits, &batch.batch)
                if status != OTLITE_OK:
                    break
                status = exchange_batch(batch, answer, descriptor, start, head_size, timeout, &sent)
                if status != OTLITE_OK:
                    otlite_batch_release(&self.region, &batch.batch)
                    break
                if not all_accepted(&answer.state):
                    break
                done += batch.batch.records
                next = 0
                if otlite_batch_watched(&self.region, &batch.batch, &next, &part):
                    with gil:
                        batch.settle(FATE_EXPORTED, OTLITE_LOSSES, 0, True)
                else:
                    otlite_batch_acknowledge(&self.region, &batch.batch, 0)
                if answer.state.close or (until != 0 and done >= until):
                    break
        if status == OTLITE_EMPTY:
            return None, None, done
        if status != OTLITE_OK:
            raise_exchange(status, sent, done)
        if batch.batch.pinned:
            self.note_pinned(batch)
            return batch, answer, done
        return None, answer if answer.state.close else None, done

    cdef void note_pinned(self, Batch batch) noexcept:
        self.pins += 1
        self.out = <PyObject *>batch
        self.out_thread = PyThread_get_thread_ident()

    def in_turn(self, lock, call):
        """As holding(). A batch that `call` leaves pinned, as a signal's handler raised, is released.

        The exception may hold it, and none can be collected meanwhile. One that was out before is another turn's, which
        such a handler interrupts.
        """
        lock.acquire()
        cdef uint64_t before = self.pins
        try:
            return call()
        finally:
            if self.pins != before and self.out != NULL and self.out_thread == PyThread_get_thread_ident():
                (<Batch>self.out).release()
            lock.release()

    def interrupted(self):
        """Records of the batch that this thread has out: a turn that a signal's handler interrupts."""
        if self.out == NULL or self.out_thread != PyThread_get_thread_ident() or not (<Batch>self.out).batch.pinned:
            return 0
        return (<Batch>self.out).batch.records

    def wait(self, str wake not None, timeout=None):
        """Sleeps until there is something to collect ("any" record, or a filled "chunk"), `wake()` is called, or
        `timeout` seconds have passed. True when woken."""
        cdef otlite_wake what = OTLITE_WAKE_ANY if wake == "any" else OTLITE_WAKE_CHUNK
        if wake not in ("any", "chunk"):
            raise ValueError(f"wake: {wake!r} is not 'any' or 'chunk'")
        cdef uint64_t deadline = 0 if timeout is None else deadline_after(timeout)
        cdef void *waker = PyByteArray_AS_STRING(self.waker)
        cdef bint woken
        if otlite_region_arm(&self.region, what):
            return True
        with nogil:
            woken = otlite_waker_wait(waker, deadline)
            otlite_region_arm(&self.region, OTLITE_WAKE_NEVER)
        return bool(woken)

    def wake(self):
        """Ends a `wait`, the present one or the next."""
        otlite_waker_post(PyByteArray_AS_STRING(self.waker))

    def lost(self, str loss not None):
        """Counts one record that could not be made."""
        otlite_region_lost(&self.region, <otlite_loss>loss_number(loss))

    def stats(self):
        cdef otlite_stats now
        cdef int loss
        otlite_region_stats(&self.region, &now)
        cdef uint64_t given_up = self.given_up  # at once, between two batches
        stats = Stats()
        stats.recorded = now.recorded
        stats.adopted = now.adopted
        stats.exported = now.exported
        stats.rejected = now.rejected
        stats.dropped = {}
        for loss in range(<int>OTLITE_LOSSES):
            if now.dropped[loss]:
                stats.dropped[LOSSES[loss]] = now.dropped[loss]
        stats.unanswered = now.unanswered
        stats.pending = now.pending
        stats.given_up = given_up
        stats.chunks = now.chunks
        stats.chunks_used = now.chunks_used
        stats.scopes = now.scopes
        stats.scopes_used = now.scopes_used
        stats.open_spans = now.open_spans
        stats.open_spans_used = now.open_used
        stats.open_spans_missed = now.open_missed
        stats.open_spans_cut = now.open_cut
        return stats

    def count(self):
        """Unacknowledged records, counted chunk by chunk."""
        return otlite_region_count(&self.region)

    def adopt_open(self):
        """Makes records of the spans that were open and waited for room: all, once nothing else is pending. Returns how
        many."""
        return otlite_open_adopt(&self.region) if self.waits else 0

    def reanchor(self, double tolerance=0.001):
        """Takes a new clock anchor when the wall clock has moved by over `tolerance` seconds."""
        return bool(otlite_region_reanchor(&self.region, <uint64_t>(tolerance * 1e9)))


def file_status(int descriptor, size_t size):
    """What an open file of that size is: "ok" (a durable region, whole as far as its header tells), "foreign", "another
    version", "damaged" or "truncated"; and for how many open spans it has a table. Nothing may touch it meanwhile.
    OSError where it cannot be mapped."""
    cdef void *memory = otlite_map_shared(descriptor, size)
    if memory == NULL:
        raise_status(OTLITE_SYSTEM, "region")
    cdef otlite_status status = otlite_region_check(memory, size)
    cdef uint32_t open_spans = otlite_region_open_spans(memory, size)
    otlite_unmap(memory, size)
    return otlite_status_text(status).decode(), open_spans


# ---- What a dead process left ----

class Left:
    """How many records a dead process left, by what became of them."""

    __slots__ = ("acknowledged", "damaged", "offered", "pending")


def survey(memory not None):
    """Looks at each record in `memory`, any buffer, and writes nothing. Unreadable, when it holds no region."""
    cdef Py_buffer view
    cdef otlite_image image
    cdef otlite_found found
    cdef uint64_t fates[3]
    cdef otlite_status status
    memset(fates, 0, sizeof(fates))
    PyObject_GetBuffer(memory, &view, PyBUF_SIMPLE)
    try:
        with nogil:
            status = otlite_image_open(&image, view.buf, <size_t>view.len)
            while status == OTLITE_OK and otlite_image_next(&image, &found):
                fates[<int>found.fate] += 1
        if status != OTLITE_OK:
            raise_status(status, "region")
    finally:
        PyBuffer_Release(&view)
    left = Left()
    left.pending = fates[<int>OTLITE_PENDING]
    left.offered = fates[<int>OTLITE_OFFERED]
    left.acknowledged = fates[<int>OTLITE_ACKNOWLEDGED]
    left.damaged = image.damaged
    return left


# ---- One exchange ----

cdef otlite_status exchange_batch(Batch batch, Answer answer, int descriptor, const char *head, size_t head_size,
                                  double timeout, cbool *sent) noexcept nogil:
    """Sends head, Content-Length and body over a connected descriptor, and reads one answer."""
    cdef char length[64]
    cdef size_t count = batch.batch.segment_count + 2
    cdef otlite_segment *segments = <otlite_segment *>PyMem_RawMalloc(count * sizeof(otlite_segment))
    if segments == NULL:
        return OTLITE_NO_ROOM
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", batch.batch.size)
    segments[0].data = head
    segments[0].size = head_size
    segments[1].data = length
    segments[1].size = strlen(length)
    memcpy(segments + 2, <const void *>batch.batch.segments, batch.batch.segment_count * sizeof(otlite_segment))
    otlite_batch_offer(&batch.owner.region, &batch.batch)
    otlite_http_begin(&answer.state, answer.state.body, ANSWER_SIZE)
    cdef otlite_status status = otlite_exchange(descriptor, segments, count, &answer.state,
                                                deadline_after(timeout), sent)
    PyMem_RawFree(segments)
    return status


cdef object raise_exchange(otlite_status status, bint sent, uint64_t acknowledged):
    try:
        raise_status(status, "receiver")
    except Exception as error:
        error.sent = sent
        error.acknowledged = acknowledged
        raise


def exchange(int descriptor, bytes head not None, Batch batch not None, double timeout):
    """Sends one pinned batch and reads the answer; `Region.drain` for one request. Raises as it does, but leaves
    the batch pinned."""
    cdef Answer answer = Answer.__new__(Answer)
    cdef const char *start = PyBytes_AS_STRING(head)
    cdef size_t size = len(head)
    cdef cbool sent = False
    cdef otlite_status status
    batch._check()
    with nogil:
        status = exchange_batch(batch, answer, descriptor, start, size, timeout, &sent)
    if status != OTLITE_OK:
        raise_exchange(status, sent, 0)
    return answer


def process_number():
    """Of this process among those that it was forked from, which no two of them share."""
    return begin_process()


def boot_clock():
    """Nanoseconds since boot, suspend included."""
    return otlite_clock_boot()


# ---- CPU kernels ----

def kernels_select(name):
    """Chooses the kernel table: 0 chosen, 1 known but not runnable here (the best below it runs), -1 unknown."""
    if name is None:
        return otlite_kernels_select(NULL)
    return otlite_kernels_select(name.encode(errors="backslashreplace"))


def kernels_name():
    """The name of the kernel table in use."""
    return otlite_kernels_name().decode()


def kernels_describe():
    """Which table runs, and which each kernel is of, a line each: name, table, reason."""
    cdef char text[4096]
    otlite_cpu_describe(text, sizeof(text))
    return text.decode()


def kernels_names():
    """The names of the kernel tables in this build, best first."""
    cdef size_t count = 0
    cdef const otlite_kernels *const *tables = otlite_kernels_list(&count)
    return [tables[i].name.decode() for i in range(count)]


# ---- The hot path, for the sibling extensions ----

cdef void ids_next(otlite_ids *ids, uint64_t now, uint8_t *trace_id, uint8_t *span_id) noexcept:
    otlite_ids_next(ids, now, trace_id, span_id)


cdef uint64_t span_clock(Region region, uint64_t *boot, uint8_t *anchor) noexcept:
    boot[0] = otlite_ticks_boot(&page.ticks)
    return otlite_region_clock(&region.region, boot[0], anchor)


cdef uint64_t span_clock_at(Region region, uint8_t anchor) noexcept:
    if region.durable and region.epoch != page.epoch:  # the span was begun before a fork
        return otlite_clock_wall()
    return otlite_region_clock_at(&region.region, otlite_ticks_boot(&page.ticks), anchor)


cdef otlite_status span_record(Region region, const otlite_span *span, uint32_t resource, uint32_t scope) noexcept:
    return otlite_span_record(&region.region, span, resource, scope)


cdef otlite_status span_record_large(Region region, const otlite_span *span, uint32_t resource,
                                     uint32_t scope) noexcept:
    """Records what does not fit a chunk: encoded apart, then copied into a chain."""
    cdef uint8_t *bytes = <uint8_t *>PyMem_RawMalloc(otlite_span_encode_bound(span))
    if bytes == NULL:
        otlite_region_lost(&region.region, OTLITE_LOSS_NO_MEMORY)
        otlite_open_end(&region.region, span.open)
        if span.place != NULL:
            span.place.loss = OTLITE_LOSS_NO_MEMORY
        return OTLITE_DROPPED
    cdef otlite_status status = otlite_span_append(
        &region.region, span, bytes, otlite_span_encode(bytes, span), resource, scope)
    PyMem_RawFree(bytes)
    return status


cdef otlite_status open_begin(Region region, otlite_span *span, uint32_t resource, uint32_t scope) noexcept:
    return otlite_open_begin(&region.region, span, resource, scope)

cdef void open_end(Region region, uint32_t open) noexcept:
    otlite_open_end(&region.region, open)

cdef void open_lost(Region region) noexcept:
    otlite_open_lost(&region.region)


cdef void region_lost(Region region, otlite_loss loss) noexcept:
    otlite_region_lost(&region.region, loss)


cdef void scratch_init(otlite_scratch *scratch, void *block, uint32_t size) noexcept:
    otlite_scratch_init(scratch, block, size)

cdef otlite_status scratch_move(otlite_scratch *scratch, void *block, uint32_t size) noexcept:
    return otlite_scratch_move(scratch, block, size)

cdef otlite_status scratch_attribute(otlite_scratch *scratch, uint64_t hash, otlite_text key,
                                     const otlite_value *value, uint32_t limit) noexcept:
    return otlite_scratch_attribute(scratch, hash, key, value, limit)

cdef void scratch_remove(otlite_scratch *scratch, uint64_t hash, otlite_text key) noexcept:
    otlite_scratch_remove(scratch, hash, key)

cdef bint scratch_field(const otlite_scratch *scratch, otlite_list list, uint32_t index, const uint8_t **data,
                        uint32_t *size) noexcept:
    return otlite_scratch_field(scratch, list, index, data, size)

cdef void compose_begin(otlite_composer *composer, otlite_scratch *scratch, otlite_list list) noexcept:
    otlite_compose_begin(composer, scratch, list)

cdef void compose_key(otlite_composer *composer, otlite_text key) noexcept:
    otlite_compose_key(composer, key)

cdef void compose_event(otlite_composer *composer, otlite_text name, uint64_t time) noexcept:
    otlite_compose_event(composer, name, time)

cdef void compose_link(otlite_composer *composer, const uint8_t *trace_id, const uint8_t *span_id) noexcept:
    otlite_compose_link(composer, trace_id, span_id)

cdef void compose_tail(otlite_composer *composer, uint32_t dropped_attributes, uint32_t flags) noexcept:
    otlite_compose_tail(composer, dropped_attributes, flags)

cdef size_t compose_open(otlite_composer *composer, otlite_message message) noexcept:
    return otlite_compose_open(composer, message)

cdef void compose_close(otlite_composer *composer, size_t mark) noexcept:
    otlite_compose_close(composer, mark)

cdef void compose_scalar(otlite_composer *composer, const otlite_value *value) noexcept:
    otlite_compose_scalar(composer, value)

cdef otlite_status compose_end(otlite_composer *composer, uint64_t hash, uint32_t limit) noexcept:
    return otlite_compose_end(composer, hash, limit)


cdef bytes encode_resource(const otlite_scratch *attributes):
    cdef bytes encoded = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>otlite_resource_encode_bound(attributes))
    return encoded[:otlite_resource_encode(<uint8_t *>PyBytes_AS_STRING(encoded), attributes)]


cdef bytes encode_scope(otlite_text name, otlite_text version, const otlite_scratch *attributes):
    cdef bytes encoded = PyBytes_FromStringAndSize(
        NULL, <Py_ssize_t>otlite_scope_encode_bound(name, version, attributes))
    return encoded[:otlite_scope_encode(<uint8_t *>PyBytes_AS_STRING(encoded), name, version, attributes)]


# ---- Signals ----

def term_catch():
    """Takes SIGTERM over, where its disposition is the default. False where it is not, and in a thread or an
    interpreter that may set no handler.

    To Python its handler is then term_given_back, in process 1 still the default.
    """
    import _signal  # not `signal`, which makes its enums anew: a tenth of the import of all of us
    if not otlite_term_is_default():
        return False
    try:
        # The kernel spares process 1, where ours ends nothing: who would call it sees to the end, as without us.
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL if getpid() == 1 else term_given_back)
    except ValueError:
        return False
    return otlite_term_catch()


def term_inherited():
    """After the fork of process 1: ours, which its handlers find as the default, is to the child's the handler."""
    import _signal
    if getpid() != 1 and otlite_term_is_caught() and _signal.getsignal(_signal.SIGTERM) is _signal.SIG_DFL:
        term_catch()


def term_given_back(number, frame):
    """What Python takes for the handler.

    A program had taken SIGTERM over and has restored what it found, as uvicorn does; or its own handler calls this one,
    which stands for the default: it ends the process, in order.
    """
    import _signal
    otlite_term_catch()
    _signal.raise_signal(_signal.SIGTERM)


cdef void *term_waker = NULL  # for good: the handler may post it as the process ends
cdef int term_waker_of = 0    # the process: a parent's may be in use as it forks


def term_watch(double bound):
    """From here on SIGTERM does not end this process, but the wait of term_wait(); if not 0, the process `bound`
    seconds later."""
    global term_waker, term_waker_of
    if term_waker_of != getpid():
        term_waker = PyMem_RawMalloc(otlite_waker_size())
        if term_waker == NULL or otlite_waker_init(term_waker) != OTLITE_OK:
            raise MemoryError("SIGTERM: no memory for its waker")
        term_waker_of = getpid()
    otlite_term_watch(term_waker, <uint64_t>(bound * 1e9))


def term_unwatch():
    """SIGTERM ends this process as ever: nobody waits. One that has come and was waited for does so now, but for
    process 1."""
    otlite_term_watch(NULL, 0)


def term_wait():
    """Waits, without the GIL, until SIGTERM comes to this process."""
    with nogil:
        otlite_waker_wait(term_waker, 0)


def term_came():
    """Whether SIGTERM came, to this process, and is waited for."""
    return otlite_term_came()


def term_end():
    """Gives SIGTERM its default back, unless it has another handler by now, and sends it again."""
    otlite_term_end()


def holding(lock, call, double seconds=-1):
    """Calls it with the lock held, or not at all where that is not free within `seconds` (-1: for ever).

    A signal's handler that raises leaves it released: neither a with statement of CPython 3.10 does, nor an acquire()
    before a try of any.
    """
    if not lock.acquire(True, seconds):
        return None
    try:
        return call()
    finally:
        lock.release()


def free_within(lock, double seconds):
    """Waits until nobody holds the lock. It is never left held, whatever a signal's handler raises meanwhile."""
    if not lock.acquire(timeout=seconds):
        return False
    lock.release()
    return True


cdef object saying = None, saying_lock = None
cdef unsigned long saying_thread = 0
cdef int saying_depth = 0  # a handler of the log may say something, too, or fork


def say_under(allocate_lock):
    """No process forks from here on while `say` writes: its child would find a stream's lock held.

    (CPython renews those of `logging` in a child, but not that of sys.stderr: the child waits for ever.) The locks are
    to be the system's threads'; no RLock, of which eventlet complains that it cannot replace it.
    """
    global saying_lock
    saying_lock = allocate_lock
    saying_anew()
    os.register_at_fork(before=hush, after_in_parent=said, after_in_child=saying_anew)


def saying_anew():
    global saying, saying_thread, saying_depth
    saying = saying_lock()
    saying_thread = saying_depth = 0


def hush():
    """A fork waits for what is said, and that for a fork, each for a moment at most: a handler may be stuck."""
    global saying_thread, saying_depth
    cdef unsigned long thread = PyThread_get_thread_ident()
    if saying_thread != thread and saying is not None and saying.acquire(True, SAYING_MAX):
        saying_thread = thread
    if saying_thread == thread:
        saying_depth += 1
        return True
    return False


def said():
    global saying_thread, saying_depth
    if saying_thread != PyThread_get_thread_ident():
        return
    saying_depth -= 1
    if saying_depth == 0:
        saying_thread = 0
        saying.release()


cpdef object say(object log, int level, str message, tuple arguments, object exc_info=False):
    """As `log.log` does."""
    held = hush()
    try:
        log.log(level, message, *arguments, exc_info=exc_info or None)
    finally:
        if held:
            said()


def exits_prepare():
    """Before CPython 3.14 daemon threads are ended at the exit by what the C library may no longer be able to load."""
    if PY_VERSION_HEX < 0x030E0000:
        otlite_exits_prepare()


def start_quiet(start_new_thread, run):
    """Starts a thread that takes no signal of the program's. No handler of a signal can run, and raise, in between.
    """
    cdef bytearray saved = bytearray(otlite_signals_size())
    otlite_signals_block(PyByteArray_AS_STRING(saved))
    try:
        start_new_thread(run, ())
    finally:
        otlite_signals_restore(PyByteArray_AS_STRING(saved))
