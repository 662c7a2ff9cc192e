# cython: language_level=3, auto_pickle=False
"""Spans whose states are types: a builder, a live span, an ended one, which is a receipt.

`traces/builder.py` is their face: it says which calls are legal, and waits.
"""

cimport cython
from cpython.dict cimport PyDict_SetItem
from cpython.object cimport PyTypeObject
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from otlp_lite._native.core cimport *
from otlp_lite._native.otlite cimport OTLITE_LOSSES
from otlp_lite._native.span cimport *
from otlp_lite._native.trace cimport *

from collections.abc import Mapping

from otlp_lite._native import core
from otlp_lite._native.trace import get_tracer

from opentelemetry import trace as trace_api
from opentelemetry.context.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, ProxyTracer, SpanContext, SpanKind, set_span_in_context

cdef extern from *:
    """
    /* For Python code a built-in class is read-only. */
    static inline int otlp_lite_put(PyTypeObject *type, PyObject *name, PyObject *value) {
        int failed = PyDict_SetItem(type->tp_dict, name, value);
        PyType_Modified(type);
        return failed;
    }
    /* A method of the base as one of its own: CPython 3.11 and later call one that is inherited 10 ns slower. */
    static inline int otlp_lite_own(PyTypeObject *type, PyTypeObject *base, PyObject *name) {
        PyObject *inherited = PyDict_GetItemWithError(base->tp_dict, name);
        if (inherited == NULL || Py_TYPE(inherited) != &PyMethodDescr_Type) {
            PyErr_Format(PyExc_TypeError, "%R: no method of %s", name, base->tp_name);
            return -1;
        }
        PyObject *own = PyDescr_NewMethod(type, ((PyMethodDescrObject *)inherited)->d_method);
        int failed = own == NULL ? -1 : otlp_lite_put(type, name, own);
        Py_XDECREF(own);
        return failed;
    }
    """
    int otlp_lite_own(PyTypeObject *type, PyTypeObject *base, object name) except -1
    int otlp_lite_put(PyTypeObject *type, object name, object value) except -1

cdef enum:
    NOWHERE = 0xffffffff  # the chunk of what is not recorded

cdef object UNSET = object()
cdef object INTERNAL = SpanKind.INTERNAL
cdef tuple LOSSES = core.LOSSES
cdef Recorder NOBODY = Recorder.__new__(Recorder)  # of spans that are not recorded
cdef object misuse = None      # (state of the object, state of the span, call, name) -> what to raise
cdef object wait_for = None
cdef object wait_for_async = None


def face(misused, wait, wait_async):
    """Sets what says of a call that it is illegal, and what waits."""
    global misuse, wait_for, wait_for_async
    misuse, wait_for, wait_for_async = misused, wait, wait_async


def put(of, str name not None, value):
    """Sets an attribute of one of these classes."""
    otlp_lite_put(<PyTypeObject *>of, name, value)


# ---- Building ----

cdef Tracer our_tracer(object tracer):
    """Of a tracer that was given: ours, or what the API's proxy stands for by now."""
    if type(tracer) is Tracer:
        return tracer
    if type(tracer) is ProxyTracer:
        behind = tracer._tracer
        if type(behind) is Tracer:
            return behind
        if trace_api._TRACER_PROVIDER is None:
            return get_tracer(tracer._instrumenting_module_name, tracer._instrumenting_library_version,
                              tracer._schema_url, tracer._attributes)
        tracer = behind
    of = type(tracer)
    raise TypeError(f"tracer: expected one of otlp_lite's, not {of.__module__}.{of.__qualname__}")


@cython.final
@cython.freelist(64)
cdef class SpanBuilder:
    """A span that was not started: what it begins with. `start()` starts it, once."""

    def __cinit__(self, name, *, tracer=None):
        if not PyUnicode_Check(name):
            raise TypeError(f"name: {name!r} is not a str")
        self.name = name
        self.tracer = tracer_of_caller() if tracer is None else our_tracer(tracer)
        self.kind = INTERNAL
        self.parent = UNSET

    def __repr__(self):
        return f"<SpanBuilder {self.name!r}{', started' if self.started else ''}>"

    cdef int building(self, str call) except -1:
        if self.started:
            raise misuse("SpanBuilder", "LiveSpan", call, self.name)
        return 0

    def with_kind(self, kind):
        """Its SpanKind: INTERNAL unless told. TypeError for anything else."""
        if self.started:
            self.building("with_kind")
        if type(kind) is not SpanKind:
            raise TypeError(f"kind: {kind!r} is not a SpanKind")
        self.kind = kind
        return self

    def with_parent(self, parent):
        """A Span, a SpanContext or a Context; None: a root. Unless told, what is current at start(). TypeError."""
        if self.started:
            self.building("with_parent")
        if parent is not None and not isinstance(parent, (trace_api.Span, SpanContext, Context)):
            raise TypeError(f"parent: {parent!r} is not a Span, a SpanContext, a Context or None")
        self.parent = parent
        return self

    def with_link(self, context, attributes=None):
        """A link to the span of a SpanContext, with attributes of its own. TypeError for another `context`."""
        if self.started:
            self.building("with_link")
        if not isinstance(context, SpanContext):
            raise TypeError(f"context: {context!r} is not a SpanContext")
        if self.links is None:
            self.links = []
        self.links.append(Link(context, attributes))
        return self

    def with_start_time(self, start_time):
        """When it started, ns since 1970; unless told, at start(). TypeError."""
        if self.started:
            self.building("with_start_time")
        if not isinstance(start_time, int) or not 0 <= start_time < 1 << 64:
            raise TypeError(f"start_time: {start_time!r} is not a time in ns since 1970")
        self.start_at = start_time
        return self

    def with_attribute(self, key, value):
        """An attribute that it begins with, which samplers see."""
        if self.started:
            self.building("with_attribute")
        if self.attributes is None:
            self.attributes = {}
        PyDict_SetItem(self.attributes, key, value)
        return self

    def with_attributes(self, attributes):
        """Attributes that it begins with: a mapping. TypeError for anything else."""
        if self.started:
            self.building("with_attributes")
        if type(attributes) is not dict and not isinstance(attributes, Mapping):
            raise TypeError(f"attributes: {attributes!r} is not a mapping")
        if self.attributes is None:
            self.attributes = {}
        self.attributes.update(attributes)
        return self

    def start(self):
        """Starts it, once, and gives the LiveSpan. StateError where it was started."""
        if self.started:
            self.building("start")
        cdef LiveSpan live = LiveSpan.__new__(LiveSpan)
        live.tracer = self.tracer
        self.started = True  # first: samplers and processors may be handed the builder, too
        try:
            span = self.tracer.start(self.name, None if self.parent is UNSET else self.context(), self.kind,
                                     self.attributes, self.links, self.start_at, True, True, None, live, None, NULL)
        except BaseException:
            self.started = live.recorder is not None  # it is one already, and a processor may have it
            raise
        if span is not live:
            unrecorded(live, span, self)
        return live

    cdef object context(self):
        """That of the parent that was given."""
        parent = self.parent
        if parent is None:
            return Context()
        if isinstance(parent, Context):
            return parent
        return set_span_in_context(NonRecordingSpan(parent) if isinstance(parent, SpanContext) else parent)


cdef int unrecorded(LiveSpan live, object span, SpanBuilder builder) except -1:
    """It is what was started instead: not recorded, but a parent. It takes all that a live span does."""
    context = span.get_span_context()
    cdef bytes trace_id = id_bytes(context.trace_id, 16) or bytes(16)
    cdef bytes span_id = id_bytes(context.span_id, 8) or bytes(8)
    live.recorder = NOBODY
    live.ended = live.unsampled = True
    live.name = plain_text(builder.name)
    live.cached_context = context
    live.trace_flags = <uint8_t>(int(context.trace_flags) & 0xff)
    live.trace_state = context.trace_state or None
    memcpy(live.data.trace_id, <const uint8_t *>trace_id, 16)
    memcpy(live.data.span_id, <const uint8_t *>span_id, 8)
    if type(span) is UnsampledSpan:
        live.why = "not sampled"
    else:
        live.why = "no_provider" if builder.tracer.recorder is None else "no_memory"
    return 0


# ---- Living ----

@cython.final
cdef class LiveSpan(Span):
    """A span that was started and has not ended. `end()` ends it, once, and gives its receipt."""

    def __repr__(self):
        return f"<LiveSpan {self.name!r}{', ended' if self.over else ''}>"

    cdef int live(self, str call) except -1:
        if self.over:
            raise misuse("LiveSpan", "EndedSpan", call, self.name)
        return 0

    cdef int too_late(self, str call, str what) except -1:
        if self.over:
            raise misuse("LiveSpan", "EndedSpan", call, self.name)
        return Span.too_late(self, call, what)

    cdef int expect(self) except -1:
        cdef Recorder recorder = self.recorder
        cdef EndedSpan receipt = new_receipt(self)
        self.receipt = receipt
        if not self.trace_flags & FLAG_SAMPLED:
            receipt.why = "not sampled"
        elif self.epoch == page.epoch:
            recorder.region.expect_receipts()
            receipt.place.chunk = NOWHERE
            self.data.place = &receipt.place
        return 0

    cdef void kept(self) noexcept:
        if self.receipt.place.chunk != NOWHERE:
            self.recorder.region.watch(self.receipt)

    @cython.final
    cdef void close(self) noexcept:
        """Where it has ended: it lets go of its tracer, which may keep it, by an exporter that keeps spans."""
        self.over = self.ended
        if self.over:
            self.tracer = None

    def __enter__(self):
        self.live("__enter__")
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if error is not None and not self.ended:
                self.fail(error, self.record_on_exit, self.status_on_exit, True)
        finally:
            try:
                if not self.ended:
                    self.finish(None)
            finally:
                self.close()

    def event(self, name, attributes=None, timestamp=None):
        """As add_event(): `timestamp` is in ns since 1970."""
        self.live("event")
        self.add_event(name, attributes, timestamp)

    def record_exception(self, exception, attributes=None, timestamp=None, escaped=False):
        self.live("record_exception")
        if self.unsampled:
            return
        Span.record_exception(self, exception, attributes, timestamp, escaped)

    def child(self, name):
        """A builder, of the same tracer, of a span whose parent this one is."""
        self.live("child")
        cdef SpanBuilder builder = SpanBuilder.__new__(SpanBuilder, name, tracer=self.tracer)
        builder.parent = self
        return builder

    def current(self):
        """A context manager that makes it the current span, and does not end it."""
        self.live("current")
        return current_of(self)

    def end(self, end_time=None):
        """Ends it, once, now or at `end_time` (ns since 1970), and gives the EndedSpan. StateError where it ended."""
        cdef EndedSpan receipt
        if self.over or (self.ended and not self.unsampled):  # the latter: by a processor, or beside it
            raise misuse("LiveSpan", "EndedSpan", "end", self.name)
        if self.unsampled:
            receipt = new_receipt(self)
            receipt.why = self.why
            self.close()
            return receipt
        self.wanted = True
        try:
            won = self.finish(end_time)
        except BaseException:  # a signal's handler raised
            self.close()
            raise
        if not won:  # what the arguments run has ended it, or another thread meanwhile
            raise misuse("LiveSpan", "EndedSpan", "end", self.name)
        self.close()
        receipt = self.receipt
        self.data.place = NULL
        self.receipt = None
        if receipt.place.loss != OTLITE_LOSSES and receipt.why is None and receipt.fate == FATE_PENDING:
            receipt.why = LOSSES[<int>receipt.place.loss]
        elif receipt.place.chunk == NOWHERE and receipt.why is None:
            receipt.why = "no_exporter"
        return receipt


cdef EndedSpan new_receipt(LiveSpan span):
    cdef EndedSpan receipt = EndedSpan.__new__(EndedSpan)
    receipt.name = span.name
    receipt.recorder = span.recorder
    receipt.trace_state = span.trace_state
    receipt.trace_flags = span.trace_flags
    receipt.epoch = span.epoch
    receipt.place.loss = OTLITE_LOSSES
    memcpy(receipt.trace_id, span.data.trace_id, 16)
    memcpy(receipt.span_id, span.data.span_id, 8)
    return receipt


# ---- Ended ----

@cython.final
cdef class EndedSpan(Receipt):
    """A span that has ended: a receipt, by which to wait until it is known what became of it."""

    def __repr__(self):
        return f"<EndedSpan {self.name!r}>"

    def get_span_context(self):
        return new_context(self.trace_id, self.span_id, self.trace_flags, self.trace_state)

    def wait(self, timeout):
        """Waits so many seconds for an ExportedSpan. Raises Dropped, Rejected, NotSampled or WaitTimeout."""
        return wait_for(self, timeout)

    def wait_async(self, timeout):
        """As wait(), for asyncio: a coroutine."""
        return wait_for_async(self, timeout)


def told_of(span):
    """The name of a span, by any of its states' objects, and its state as far as that object knows."""
    if type(span) is SpanBuilder:
        return (<SpanBuilder>span).name, "LiveSpan" if (<SpanBuilder>span).started else "SpanBuilder"
    if type(span) is LiveSpan:
        return (<LiveSpan>span).name, "EndedSpan" if (<LiveSpan>span).over else "LiveSpan"
    return (<EndedSpan?>span).name, "EndedSpan"


def pipeline_of(EndedSpan ended not None):
    """What takes its record away by now; None: nothing does."""
    return ended.recorder.pipeline


def outcome(EndedSpan ended not None):
    """What became of it: ("pending",), ("elsewhere",), ("not sampled",), ("dropped", reason),
    ("rejected", how many of, so many, by whom) or ("exported", when, by whom)."""
    cdef record_fate fate
    if ended.why is not None:
        return ("not sampled",) if ended.why == "not sampled" else ("dropped", ended.why)
    fate = ended.look()
    if fate == FATE_EXPORTED:
        return "exported", ended.settled_at, ended.endpoint
    if fate == FATE_REJECTED:
        return "rejected", ended.rejected, ended.records, ended.endpoint
    if fate == FATE_DROPPED:
        return "dropped", LOSSES[<int>ended.place.loss]
    return ("pending",) if ended.epoch == page.epoch else ("elsewhere",)


for method in ("set_attribute", "set_attributes", "add_event", "add_link", "update_name", "set_status", "is_recording",
               "get_span_context"):
    otlp_lite_own(<PyTypeObject *>LiveSpan, <PyTypeObject *>Span, method)
del method
close_type(LiveSpan)
close_type(EndedSpan)
