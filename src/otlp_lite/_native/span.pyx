# cython: language_level=3, auto_pickle=False
"""Live spans: what is recorded goes to OTLP bytes at once, and to the region when the span ends."""

cimport cython
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.object cimport PyObject_Hash, PyTypeObject
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from posix.unistd cimport getpid

from otlp_lite._native.core cimport *
from otlp_lite._native.otlite cimport *
from otlp_lite._native.value cimport *

import logging

from opentelemetry.trace import (
    NonRecordingSpan, Span as ApiSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags,
)

cdef extern from *:
    """
    /* An exact str has its hash at hand once it was asked, and asking cannot fail. */
    static inline Py_hash_t otlp_lite_str_hash(PyObject *text) { return PyUnicode_Type.tp_hash(text); }
    /* No class derives from it any more, and Python code cannot make one by __new__: only we can, by tp_new. */
    static inline int otlp_lite_close(PyTypeObject *type) {
        type->tp_flags &= ~Py_TPFLAGS_BASETYPE;
        int failed = PyDict_DelItemString(type->tp_dict, "__new__");
        PyType_Modified(type);
        return failed;
    }
    /* The interpreter takes away what is left: nobody ends a span any more. */
    static inline int otlp_lite_finalizing(void) {
    #if PY_VERSION_HEX >= 0x030D0000
        return Py_IsFinalizing();
    #else
        return _Py_IsFinalizing();
    #endif
    }
    """
    bint otlp_lite_finalizing() noexcept
    int otlp_lite_close(PyTypeObject *type) except -1
    unsigned long PyThread_get_thread_ident()
    int PyObject_GenericSetAttr(object target, object name, object value) except -1
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept
    Py_hash_t str_hash "otlp_lite_str_hash"(object text) noexcept

cdef extern from "light.h":
    int otlp_lite_lighten(PyTypeObject *type) except -1

cdef object logger = logging.getLogger("otlp_lite.traces")
cdef tuple KINDS = (SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)
cdef tuple ONE = ("attribute", "event", "link")  # as otlite_list numbers them
cdef tuple LISTS = ("attributes too large", "events too large", "links too large")
cdef object UNSET = StatusCode.UNSET  # CPython 3.11 makes an object at each look at a member
cdef object OK = StatusCode.OK
cdef object ERROR = StatusCode.ERROR
cdef tuple STATUSES = (UNSET, OK, ERROR)

cdef enum:
    BLOCK_SIZE = 1024    # of a usual span's scratch
    POOL_SIZE = 64       # blocks kept for the next spans
    SPAN_RESERVE = 1024  # of what a record may be: a span's ids, times and name

cdef process_page *page = process()
cdef void *pool[POOL_SIZE]
cdef int pooled = 0


# ---- What spans share ----

cdef class Recorder:
    """What one provider records into. The region is opened by the first span, anew in a forked child."""

    def __cinit__(self):
        self.epoch = 0xffffffff
        self.processors = self.retired = ()

    cdef bint open(self) except -1:
        """Opens this process's region. False when there is no memory for one: nothing can be recorded."""
        begin_process()
        if self.exiting and self.shut_pid != getpid():  # it was forked from a process in its end, and goes on
            self.bring_back()
            self.closed = False
        cdef object resource = self.make_resource()
        cdef bytes encoded = encode_attributes(resource.attributes, RESOURCE, None, None)
        cdef bytes schema_url = utf8(resource.schema_url)
        cdef Region region = self.map_region()
        cdef uint32_t handle
        if region is None:
            return False
        try:
            handle = region.register_resource(encoded, schema_url)
        except MemoryError:
            say(logger, logging.ERROR, "resource: its %d bytes are too many for a region of %d; only service.name and "
                "telemetry.sdk.* are sent", (len(encoded), region.size))
            few = {key: str(value)[:256] for key, value in resource.attributes.items()
                   if key == "service.name" or key.startswith("telemetry.sdk.")}
            encoded, schema_url = encode_attributes(few, RESOURCE, None, None), b""
            handle = region.register_resource(encoded, schema_url)
        if self.epoch == page.epoch:  # a signal handler or another thread was quicker
            return True
        self.resource_encoded = encoded
        self.resource_schema_url = schema_url
        self.resource_handle = handle
        self.region = region
        self.open_spans = region.open_spans if self.tell_open else 0
        self.span_max = region.record_max - SPAN_RESERVE
        self.announced = False
        self.epoch = page.epoch
        self.resource = resource
        self.rest = Recorder.__new__(Recorder)
        self.rest.resource = resource
        self.rest.limits = self.limits
        self.rest.span_max = self.span_max
        return True

    cdef int bring_back(self) except -1:
        """After a shutdown: its span processors are called again, and those added since. Ours are opened first."""
        for processor in self.retired:
            if hasattr(type(processor), "reopen"):  # of its class: ours have it
                try:
                    processor.reopen()
                except Exception as error:
                    hook_failed(processor, "reopen", error)
        self.retired, self.processors = (), self.retired + self.processors
        self.exiting = self.quiet = False
        return 0

    cdef int take_up(self) except -1:
        """What a dead process left, and this one has adopted, is sent though nothing is recorded."""
        if (self.slots is not None and self.epoch != page.epoch and not self.closed and self.slots.waiting()
                and self.open()):
            self.announce()
        return 0

    cdef Region map_region(self):
        """A region of the size that was asked for, or as small as can be; None, and an error once, without either."""
        cdef Region region = None if self.slots is None else self.slots.region()
        if region is not None:
            return region
        for size in (self.region_size, OTLITE_REGION_MIN):
            try:
                return Region(size, on_full=self.on_full)
            except MemoryError:
                if not self.warned_memory:
                    say(logger, logging.ERROR, "region_size: the system refused %d bytes", (size,))
        self.warned_memory = True
        return None

    cdef int register_resource(self) except -1:
        self.resource_handle = self.region.register_resource(self.resource_encoded, self.resource_schema_url)
        return 0

    cdef int announce(self) except -1:
        """Tells the pipeline that there will be records; again with the next one, if it was not ready."""
        cdef object pipeline = None
        cdef bint ready = False
        self.announced = True  # not from within
        try:
            while self.pipeline is not pipeline:  # again, when a restart overtook it
                pipeline = self.pipeline
                ready = pipeline is not None and pipeline.opened(self.region)
        finally:
            if not ready or self.pipeline is not pipeline:
                self.announced = False
        return 0


cdef enum head_kind:
    RESOURCE
    SCOPE


cdef bytes encode_attributes(object attributes, head_kind what, object name, object version):
    """A resource's or a scope's field, with its attributes in a scratch as large as they need."""
    cdef Span holder = Span.__new__(Span)
    holder.recorder = Recorder.__new__(Recorder)
    holder.recorder.span_max = OTLITE_REGION_MAX
    holder.recorder.limits = span_limits(OTLITE_NO_LIMIT, 0, 0, 0, 0, OTLITE_NO_LIMIT, OTLITE_NO_LIMIT)
    holder.ended = True
    if attributes:
        holder.put_all(attributes)
    if what == RESOURCE:
        return encode_resource(&holder.scratch)
    return encode_scope(text_of(name), text_of(version), &holder.scratch)


cdef bytes utf8(object url):
    """A schema URL as bytes; None is the empty one, a lone surrogate U+FFFD."""
    text = url or ""
    return "".join(["\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text]).encode()


cdef class Scope:
    """An instrumentation scope, encoded once, and its handle in the region of the moment."""

    def __cinit__(self, described):
        self.described = described
        self.encoded = encode_attributes(described.attributes, SCOPE, described.name, described.version or "")
        self.schema_url = utf8(described.schema_url)
        self.epoch = 0


# ---- Numbers ----

cdef object id_number(const uint8_t *data, int size):
    cdef uint64_t high = 0, low = 0
    cdef int i
    for i in range(size - 8):
        high = high << 8 | data[i]
    for i in range(size - 8, size):
        low = low << 8 | data[i]
    return low if high == 0 else <object>high << 64 | low


cdef object new_context(const uint8_t *trace_id, const uint8_t *span_id, uint8_t flags, object state):
    return SpanContext(id_number(trace_id, 16), id_number(span_id, 8), False, TraceFlags(flags), state)


cdef bytes id_bytes(object number, int size):
    """An id that came from outside as bytes; None when it is no integer of that size. Zero is one, though not valid."""
    try:
        return int.to_bytes(number, size, "big")
    except (TypeError, OverflowError):
        return None


cdef bint take_time(object value, str what, uint64_t *time) except -1:
    """Takes a time that the user may have given, ns since 1970. False where there is none; a wrong one is warned of."""
    if value is None:
        return False
    try:
        time[0] = int(value)
        return True
    except Exception:
        once("times", what, "%s of type %s: not a time in ns since 1970; the clock is used", (type(value).__name__,))
        return False


# ---- Schemas ----

REQUIRED = object()


@cython.final
cdef class Schema:
    """The fields of a SpanSchema, `of`: a name, a key and a default for each. REQUIRED is none."""

    def __cinit__(self, of, str name not None, kind, fields, keys, defaults):
        cdef Py_ssize_t i
        self.of = of
        self.name = name
        self.kind = kind
        self.fields = tuple(fields)
        self.defaults = tuple(defaults)
        self.names = tuple(keys)
        self.encoded = tuple([utf8(key) for key in keys])
        self.count = len(self.fields)
        self.keys = <schema_key *>PyMem_RawMalloc(max(self.count, 1) * sizeof(schema_key))
        if self.keys == NULL:
            raise MemoryError(name)
        for i, key in enumerate(keys):
            self.keys[i].text.data = <const uint8_t *><const char *><bytes>self.encoded[i]
            self.keys[i].text.length = <uint32_t>len(self.encoded[i])
            self.keys[i].text.kind = OTLITE_TEXT_UTF8
            self.keys[i].hash = <uint64_t>PyObject_Hash(key)

    def __dealloc__(self):
        PyMem_RawFree(self.keys)

    cdef list arrange(self, list values, tuple named):
        """The values of a call, one for each field; those of `named` come last. Raises TypeError as a function would.
        """
        cdef Py_ssize_t given = len(values) - len(named)
        cdef dict by_name = dict(zip(named, values[given:]))
        what = self.of.__name__
        if given > self.count:
            raise TypeError(f"{what}() takes {self.count} arguments but {given} were given")
        del values[given:]
        for field, default in zip(self.fields[given:], self.defaults[given:]):
            value = by_name.pop(field, default)
            if value is REQUIRED:
                raise TypeError(f"{what}() missing a required argument: {field!r}")
            values.append(value)
        for field in by_name:
            if field in self.fields:
                raise TypeError(f"{what}() got multiple values for argument {field!r}")
            raise TypeError(f"{what}() got an unexpected keyword argument {field!r}")
        return values

    cdef dict attributes(self, PyObject *const *values):
        cdef dict attributes = {}
        cdef Py_ssize_t i
        for i in range(self.count):
            if <object>values[i] is not None:
                attributes[self.names[i]] = <object>values[i]
        return attributes

    cdef Py_ssize_t index(self, object field):
        """Of a field; -1: it has none of that name."""
        return self.fields.index(field) if field in self.fields else -1


# ---- Spans ----

cdef inline void first_block(Span span, void *block) noexcept:
    """Gives a span its scratch; what it has dropped so far stays counted."""
    cdef uint32_t dropped[3]
    memcpy(dropped, span.scratch.dropped, sizeof(dropped))
    scratch_init(&span.scratch, block, BLOCK_SIZE)
    memcpy(span.scratch.dropped, dropped, sizeof(dropped))


cdef inline bint put_usual(Span span, uint64_t hash, otlite_text key, object value, uint32_t length_limit) noexcept:
    """Sets an attribute with a scalar value. False: not done, and `put` must see to it."""
    global pooled
    cdef otlite_value scalar
    if span.scratch.block == NULL:
        if pooled == 0:
            return False
        pooled -= 1
        first_block(span, pool[pooled])
    return (scalar_of(value, length_limit, &scalar) == SCALAR
            and scratch_attribute(&span.scratch, hash, key, &scalar, span.recorder.limits.attributes) == OTLITE_OK)


@cython.no_gc  # only its provider's processors could refer back: an ended span lets go of them
@cython.freelist(64)
cdef class Span:
    """A span that is recorded. See `opentelemetry.trace.Span`; after its end it answers as a readable span."""

    def __init__(self):
        raise TypeError("a span is made by its tracer")

    def __dealloc__(self):
        global pooled
        if self.data.open != 0 and not self.recorder.exiting:  # it was never ended
            self.leave_open()
        if self.scratch.block == NULL:
            return
        if self.scratch.size == BLOCK_SIZE and pooled < POOL_SIZE:
            pool[pooled] = self.scratch.block
            pooled += 1
        else:
            PyMem_RawFree(self.scratch.block)

    def __repr__(self):
        return f'_Span(name="{self.name}", context={self.get_span_context()})'

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if error is not None and not self.ended and not (self.leaf and not isinstance(error, Exception)):
                self.fail(error, self.record_on_exit, self.status_on_exit, not self.leaf)
        finally:
            self.finish(None)

    # -- recording --

    @cython.final
    cdef bint grow(self, otlite_list list, object what) except? False:
        """A first block, or one twice as large. False, and one of `list` counted as dropped, without one.

        `what` is its key or name; of a link, the span's.
        """
        global pooled
        cdef uint32_t size = BLOCK_SIZE
        cdef size_t most = max(self.recorder.span_max, <size_t>BLOCK_SIZE)
        cdef void *old = self.scratch.block
        cdef void *block = NULL
        if old != NULL:
            size = <uint32_t>min(<size_t>self.scratch.size * 2, most)
        if old == NULL and pooled > 0:
            pooled -= 1
            block = pool[pooled]
        elif old == NULL or size > self.scratch.size + 64:
            block = PyMem_RawMalloc(size)
        else:
            self.scratch.dropped[<int>list] += 1
            once(LISTS[<int>list], what, "%r: with this %s the span would hold more than %d bytes, too much for its "
                 "region_size; dropped", (ONE[<int>list], most))
            return False
        if block == NULL:
            self.scratch.dropped[<int>list] += 1
            once(LISTS[<int>list], what, "%r: the system refused memory for this %s; dropped", (ONE[<int>list],))
            return False
        if old == NULL:
            first_block(self, block)
        else:
            scratch_move(&self.scratch, block, size)  # what fitted fits twice the room
            PyMem_RawFree(old)
        return True

    @cython.final
    cdef int put(self, object key, object value, uint32_t length_limit) except -1:
        """Sets an attribute; `key` is a str, strings are cut at `length_limit`."""
        cdef otlite_value scalar
        cdef otlite_composer composer
        cdef span_limits *limits = &self.recorder.limits
        cdef scalar_kind kind
        cdef otlite_status status = OTLITE_NO_ROOM
        cdef uint64_t hash
        cdef size_t mark
        if not PyUnicode_CheckExact(key):
            key = str.__str__(key)
        if self.scratch.block == NULL and not self.grow(OTLITE_ATTRIBUTES, key):
            return 0
        kind = scalar_of(value, length_limit, &scalar)
        if kind == NOT_SCALAR:
            try:
                value = clean(value, length_limit)
                kind = scalar_of(value, OTLITE_NO_LIMIT, &scalar)
            except OverflowError:
                kind = OUT_OF_RANGE
            except Exception as error:
                warn_of_reading(key, error)
                scalar.type = OTLITE_NONE
                kind = SCALAR
        if kind == OUT_OF_RANGE:
            warn_of_range(key, "an integer outside 64 bits" if isinstance(value, int)
                          else "an integer outside 64 bits in it, or more than a region can hold")
            self.scratch.dropped[<int>OTLITE_ATTRIBUTES] += 1
            return 0
        hash = <uint64_t>PyObject_Hash(key)
        while status == OTLITE_NO_ROOM:
            if kind == SCALAR:
                status = scratch_attribute(&self.scratch, hash, text_of(key), &scalar, limits.attributes)
            else:
                compose_begin(&composer, &self.scratch, OTLITE_ATTRIBUTES)
                compose_key(&composer, text_of(key))
                mark = compose_open(&composer, OTLITE_KEY_VALUE)
                compose_value(&composer, value)
                compose_close(&composer, mark)
                status = compose_end(&composer, hash, limits.attributes)
            if status == OTLITE_NO_ROOM and not self.grow(OTLITE_ATTRIBUTES, key):
                return 0
        return 0

    @cython.final
    cdef int put_all(self, object attributes) except -1:
        """Sets the attributes of a mapping, its keys cleaned as API 1.45 does."""
        cdef bint plain = type(attributes) is dict
        cdef uint32_t length_limit = self.recorder.limits.span_value_length
        if self.recorder.limits.attributes == 0:
            self.scratch.dropped[<int>OTLITE_ATTRIBUTES] += <uint32_t>len(attributes)
            return 0
        if plain:
            for key in <dict>attributes:
                if not PyUnicode_CheckExact(key) or PyUnicode_GET_LENGTH(key) == 0:
                    plain = False
                    break
        if not plain:
            given = len(attributes)
            self.scratch.dropped[<int>OTLITE_ATTRIBUTES] += <uint32_t>given  # until they are read
            attributes = clean_mapping(attributes, length_limit)
            length_limit = OTLITE_NO_LIMIT
            self.scratch.dropped[<int>OTLITE_ATTRIBUTES] -= <uint32_t>min(given, len(attributes))
        for key, value in (<dict>attributes).items():
            if not put_usual(self, <uint64_t>str_hash(key), text_of(key), value, length_limit):
                self.put(key, value, length_limit)
        return 0

    def set_attribute(self, key, value):
        if self.ended:
            self.too_late("set_attribute", "Setting attribute on ended span.")
            return
        cdef uint32_t length_limit = self.recorder.limits.span_value_length
        if PyUnicode_Check(key) and PyUnicode_GET_LENGTH(key) != 0:
            if not (PyUnicode_CheckExact(key)
                    and put_usual(self, <uint64_t>str_hash(key), text_of(key), value, length_limit)):
                self.put(key, value, length_limit)
            return
        self.scratch.dropped[<int>OTLITE_ATTRIBUTES] += 1
        if self.recorder.limits.attributes != 0:
            once("types of set_attribute's keys", "str" if type(key) is str else type(key).__name__,
                 "attribute key of type %s: not a non-empty str; dropped", ())

    def set_attributes(self, attributes):
        if self.ended:
            self.too_late("set_attributes", "Setting attribute on ended span.")
            return
        self.take_all(attributes)

    @cython.final
    cdef int take_all(self, object attributes) except -1:
        """put_all of what a user gave, whatever reading it raises."""
        try:
            self.put_all(attributes)
        except Exception as error:
            warn_of_mapping(attributes, error)
        return 0

    def add_event(self, name, attributes=None, timestamp=None):
        cdef uint64_t time
        cdef uint32_t dropped = 0
        cdef otlite_composer composer
        cdef otlite_status status = OTLITE_NO_ROOM
        cdef dict cleaned
        cdef bint given
        if self.unsampled:
            self.too_late("add_event", "Tried calling add_event on an ended span.")
            return
        cleaned = self._bounded(attributes, self.recorder.limits.event_attributes, &dropped)
        if self.ended:
            self.too_late("add_event", "Tried calling add_event on an ended span.")
            return
        time = span_clock_at(self.recorder.region, self.data.anchor)
        given = take_time(timestamp, "event timestamp", &time)
        name = plain_text(name)
        if self.scratch.block == NULL and not self.grow(OTLITE_EVENTS, name):
            return
        while status == OTLITE_NO_ROOM:
            compose_begin(&composer, &self.scratch, OTLITE_EVENTS)
            compose_event(&composer, text_of(name), time)
            compose_attributes(&composer, OTLITE_EVENT_ATTRIBUTE, cleaned)
            compose_tail(&composer, dropped, 0)
            status = compose_end(&composer, 0, self.recorder.limits.events)
            if status == OTLITE_NO_ROOM and not self.grow(OTLITE_EVENTS, name):
                return
        if given:
            self.data.explicit_time = True

    @cython.final
    cdef dict _bounded(self, object attributes, uint32_t limit, uint32_t *dropped):
        """Cleaned attributes of an event or a link, the newest `limit` of them; the rest is counted."""
        cdef dict cleaned = {}
        cdef Py_ssize_t given = 0
        try:
            if not attributes:
                return cleaned
            given = len(attributes)
            if limit != 0:
                cleaned = clean_mapping(attributes, self.recorder.limits.value_length)
        except Exception as error:
            warn_of_mapping(attributes, error)
        while len(cleaned) > limit:
            del cleaned[next(iter(cleaned))]
        dropped[0] = <uint32_t>max(given - len(cleaned), 0)
        return cleaned

    def add_link(self, context, attributes=None):
        if self.ended:
            self.too_late("add_link", "Tried calling add_link on an ended span.")
            return
        self.put_link(context, attributes)

    @cython.final
    cdef int put_link(self, object context, object attributes) except -1:
        cdef uint32_t dropped = 0
        cdef uint32_t flags = 0x300 if context is not None and context.is_remote else 0x100
        cdef otlite_composer composer
        cdef otlite_status status = OTLITE_NO_ROOM
        cdef bytes trace_id, span_id
        if not context or not (context.is_valid or attributes or context.trace_state):
            return 0
        cdef dict cleaned = self._bounded(attributes, self.recorder.limits.link_attributes, &dropped)
        trace_id = id_bytes(context.trace_id, 16)
        span_id = id_bytes(context.span_id, 8)
        if trace_id is None or span_id is None:
            once("ids", "link", "%s: its ids are none; dropped", ())
            self.scratch.dropped[<int>OTLITE_LINKS] += 1
            return 0
        if self.scratch.block == NULL and not self.grow(OTLITE_LINKS, self.name):
            return 0
        while status == OTLITE_NO_ROOM:
            compose_begin(&composer, &self.scratch, OTLITE_LINKS)
            compose_link(&composer, trace_id, span_id)
            compose_attributes(&composer, OTLITE_LINK_ATTRIBUTE, cleaned)
            compose_tail(&composer, dropped, flags)
            status = compose_end(&composer, 0, self.recorder.limits.links)
            if status == OTLITE_NO_ROOM and not self.grow(OTLITE_LINKS, self.name):
                return 0
        if self.link_contexts is None:
            self.link_contexts = []
        self.link_contexts.append(context)
        del self.link_contexts[:len(self.link_contexts) - self.scratch.live[<int>OTLITE_LINKS]]
        return 0

    def update_name(self, name):
        if self.ended:
            self.too_late("update_name", "Tried calling update_name on an ended span.")
            return
        self.name = plain_text(name)
        if self.data.open != 0 and self.epoch == page.epoch:
            self.tell_open()

    def set_status(self, status, description=None):
        if self.ended:
            self.too_late("set_status", "Tried calling set_status on an ended span.")
            return
        if type(status) is StatusCode and description is None:
            if status is not UNSET and self.data.status != 1:
                self.data.status = 1 if status is OK else 2
                self.description = None
            return
        if isinstance(status, Status):
            if description is not None:
                once("statuses", "set_status", "%s: its description is ignored. Use either `Status` or "
                     "`(StatusCode, Description)`", ())
        elif isinstance(status, StatusCode):
            if status is UNSET or self.data.status == 1:
                return
            status = Status(status, description)
        else:
            return
        try:
            code = status.status_code
            description = status.description
            if description is not None:
                description = plain_text(description)
        except Exception as error:
            once("statuses", type(status).__name__, "status of type %s: reading it raised %s; ignored",
                 (type(error).__name__,))
            return
        if (code is not OK and code is not ERROR) or self.data.status == 1:
            return
        self.data.status = 1 if code is OK else 2
        self.description = description

    def record_exception(self, exception, attributes=None, timestamp=None, escaped=False):
        import traceback
        if exception is not None and not isinstance(exception, BaseException):
            raise TypeError(f"record_exception: expected an exception, not {type(exception).__name__}")
        kind = type(exception)
        module = kind.__module__
        lines = traceback.format_exception(kind, exception, getattr(exception, "__traceback__", None))
        recorded = {
            "exception.type": kind.__qualname__ if not module or module == "builtins"
            else f"{module}.{kind.__qualname__}",
            "exception.message": printed(exception),
            "exception.stacktrace": "".join(lines),
            "exception.escaped": str(escaped),
        }
        if attributes:
            recorded.update(attributes)
        self.add_event("exception", recorded, timestamp)

    @cython.final
    cdef int fail(self, object error, bint record, bint set_status, bint escaped) except -1:
        """What leaving by an exception records. It is that exception which goes on, whatever this raises."""
        try:
            if record:
                self.record_exception(error, None, None, escaped)
            if set_status:
                self.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {printed(error)}"))
        except Exception as again:
            once("exceptions", type(error).__name__, "exception %s: recording it raised %s", (type(again).__name__,))
        return 0

    # -- the end --

    def end(self, end_time=None):
        self.finish(end_time)

    cdef int too_late(self, str call, str what) except -1:
        """A span that has ended takes nothing more. That of a builder raises."""
        if not self.unsampled:
            once(what, self.name, "span %r: %s", (what,))
        return 0

    @cython.final
    cdef int finish(self, object end_time) except -1:
        """Ends it; 0: it had ended."""
        cdef Recorder recorder = self.recorder
        cdef object header = None
        if self.ended:
            self.too_late("end", "Calling end() on an ended span.")
            return 0
        cdef uint64_t end = span_clock_at(recorder.region, self.data.anchor)
        # First what may run Python code, which may end the span.
        cdef bint given = take_time(end_time, "end_time", &end)
        if self.trace_state is not None:
            header = trace_state_header(self.trace_state)
        if self.ended:
            self.too_late("end", "Calling end() on an ended span.")
            return 0
        self.data.end = end
        if given:
            self.data.explicit_time = True
        self.ended = True
        # A span that was begun before a fork is exported by the process that began it: here it only ends.
        try:  # signal handlers may raise at any time
            try:
                if self.wanted:
                    self.expect()
                if recorder.processors and self.epoch == page.epoch:
                    for processor in recorder.processors:
                        call_processor(processor, "_on_ending", self)
            finally:
                if self.trace_flags & FLAG_SAMPLED and self.epoch == page.epoch:
                    self.keep(header)
                if self.data.open != 0:
                    self.leave_open()
            if recorder.processors and self.epoch == page.epoch:
                for processor in recorder.processors:
                    call_processor(processor, "on_end", self)
        finally:
            if recorder.processors and self.epoch == page.epoch and recorder.rest is not None:
                self.recorder = recorder.rest
        return 1

    cdef int expect(self) except -1:
        """Of a span whose receipt is wanted: it ends, and nobody else ends it any more."""
        return 0

    cdef void kept(self) noexcept:
        """Of a span with a place: its record was made there, or lost."""

    @cython.final
    cdef void lose(self, otlite_loss loss) noexcept:
        """Counts the span as lost."""
        region_lost(self.recorder.region, loss)
        if self.data.place != NULL:
            self.data.place.loss = loss

    @cython.final
    cdef int keep(self, object header) except -1:
        """Writes the span into the region. What prevents it is counted."""
        cdef Recorder recorder = self.recorder
        if header is not None:
            self.data.trace_state = text_of(header)
        if self.description is not None:
            self.data.status_message = text_of(self.description)
        self.data.name = text_of(self.name)
        self.data.scratch = &self.scratch
        if recorder.announced or recorder.closed:
            return self.store()
        if recorder.pipeline is None:
            if recorder.unsupported:
                self.lose(OTLITE_LOSS_UNSUPPORTED_PROTOCOL)
            return 0
        try:
            recorder.announce()
        finally:  # whatever a signal handler raised meanwhile
            self.store()
        return 0

    @cython.final
    cdef int store(self) except -1:
        cdef Recorder recorder = self.recorder
        cdef Scope scope = self.scope
        cdef Region region = recorder.region
        cdef otlite_status status = OTLITE_STALE
        cdef int tries = 0
        if recorder.closed:
            if recorder.pipeline is None and not recorder.unsupported:
                return 0
            if self.told_of():
                return 0
            self.lose(OTLITE_LOSS_SHUTDOWN)
            if not recorder.warned_closed and (not recorder.quiet
                                               or recorder.exit_thread == PyThread_get_thread_ident()):
                recorder.warned_closed = True
                say(logger, logging.WARNING,
                    "span %.100r ended after the shutdown: it is dropped, as are those that follow", (self.name,))
            return 0
        while status == OTLITE_STALE and tries < 3:
            if (scope.epoch != recorder.epoch or tries > 0) and not self.renew_handles(tries > 0):
                break
            status = span_record(region, &self.data, recorder.resource_handle, scope.handle)
            if status == OTLITE_NO_ROOM:
                status = span_record_large(region, &self.data, recorder.resource_handle, scope.handle)
            tries += 1
        if status == OTLITE_STALE:
            self.lose(OTLITE_LOSS_TABLE_FULL)  # not of an open one: its entries are held
        else:
            self.data.open = 0  # it ended with the record, or what became of that
        if self.data.place != NULL:
            self.kept()
        return 0

    @cython.final
    cdef bint renew_handles(self, bint again) except -1:
        """Registers the scope, and `again` the resource too; False where there is no room."""
        cdef Recorder recorder = self.recorder
        cdef Scope scope = self.scope
        if not recorder.region.register_scope(scope.encoded, scope.schema_url, &scope.handle):
            return False
        scope.epoch = recorder.epoch
        try:
            if again:
                recorder.register_resource()
        except (MemoryError, RuntimeError):
            return False
        return True

    @cython.final
    cdef int tell_open(self) except -1:
        """Enters the span among the region's open ones, or its new name. What prevents it is counted there."""
        cdef Recorder recorder = self.recorder
        cdef Scope scope = self.scope
        cdef otlite_status status = OTLITE_STALE
        cdef int tries = 0
        if not self.trace_flags & FLAG_SAMPLED or recorder.pipeline is None or recorder.closed:
            return 0  # as it would not be kept
        self.data.name = text_of(self.name)
        while status == OTLITE_STALE and tries < 3:
            if (scope.epoch != recorder.epoch or tries > 0) and not self.renew_handles(tries > 0):
                break
            status = open_begin(recorder.region, &self.data, recorder.resource_handle, scope.handle)
            tries += 1
        if status == OTLITE_STALE:
            open_lost(recorder.region)
        return 0

    @cython.final
    cdef bint told_of(self) noexcept:
        """It is open while the interpreter takes away what it was open in: the next start tells of it."""
        return self.data.open != 0 and otlp_lite_finalizing()

    @cython.final
    cdef void leave_open(self) noexcept:
        """It is not open any more, unless it is told of. In a forked child the region is another's."""
        if self.epoch == page.epoch and not self.told_of():
            open_end(self.recorder.region, self.data.open)
        self.data.open = 0

    # -- reading --

    def is_recording(self):
        return not self.ended

    def get_span_context(self):
        if self.cached_context is None:
            self.cached_context = new_context(self.data.trace_id, self.data.span_id, self.trace_flags,
                                              self.trace_state)
        return self.cached_context

    @property
    def context(self):
        return self.get_span_context()

    @property
    def parent(self):
        """The parent's SpanContext, or None."""
        if self.parent_context is None and self.data.has_parent:
            self.parent_context = new_context(self.data.trace_id, self.data.parent_span_id, self.parent_flags,
                                              self.parent_state)
        return self.parent_context

    @property
    def kind(self):
        return KINDS[self.data.kind]

    @property
    def start_time(self):
        return self.data.start

    @property
    def end_time(self):
        return self.data.end if self.ended else None

    @property
    def status(self):
        return Status(STATUSES[self.data.status], self.description)

    def _fields(self, int which):
        """The encoded messages of one list, for `readable`."""
        cdef const uint8_t *data
        cdef uint32_t size, index = 0
        cdef list fields = []
        if self.scratch.block != NULL:
            while scratch_field(&self.scratch, <otlite_list>which, index, &data, &size):
                fields.append((<const char *>data)[:size])
                index += 1
        return fields

    @property
    def attributes(self):
        """A read-only copy of the attributes, as they will be sent."""
        from otlp_lite._native import readable
        return readable.attributes(self._fields(OTLITE_ATTRIBUTES))

    @property
    def events(self):
        from otlp_lite._native import readable
        return readable.events(self._fields(OTLITE_EVENTS))

    @property
    def links(self):
        from otlp_lite._native import readable
        return readable.links(self._fields(OTLITE_LINKS), self.link_contexts or ())

    @property
    def dropped_attributes(self):
        return self.scratch.dropped[<int>OTLITE_ATTRIBUTES]

    @property
    def dropped_events(self):
        return self.scratch.dropped[<int>OTLITE_EVENTS]

    @property
    def dropped_links(self):
        return self.scratch.dropped[<int>OTLITE_LINKS]

    @property
    def resource(self):
        return self.recorder.resource

    @property
    def instrumentation_scope(self):
        return None if self.scope is None else self.scope.described

    @property
    def instrumentation_info(self):
        """Deprecated alias of `instrumentation_scope`, which stock exporters may still read."""
        return self.instrumentation_scope

    def to_json(self, indent=4):
        from otlp_lite._native import readable
        return readable.to_json(self, indent)


cdef object plain_text(object value):
    """A str that is nothing else: letting go of a subclass's instance could run Python code."""
    if PyUnicode_CheckExact(value):
        return value
    return str.__str__(value if PyUnicode_Check(value) else printed(value))


cdef object printed(object value):
    """str(value), whatever that raises."""
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__}: __str__ raised {type(error).__name__}>"


cdef object trace_state_header(object state):
    """The text of a TraceState, or of what was given as one."""
    try:
        header = state.to_header()
        if PyUnicode_Check(header):
            return header
    except Exception:
        pass
    once("types of trace states", type(state).__name__, "trace state of type %s: it has no header; left out", ())
    return ""


cdef void compose_attributes(otlite_composer *composer, otlite_message message, dict attributes) noexcept:
    cdef size_t mark, value_mark
    for key, value in attributes.items():
        mark = compose_open(composer, message)
        compose_key(composer, text_of(key))
        value_mark = compose_open(composer, OTLITE_KEY_VALUE)
        compose_value(composer, value)
        compose_close(composer, value_mark)
        compose_close(composer, mark)


cdef int call_processor(object processor, str hook, Span span) except -1:
    """Calls a hook of a span processor, if it has that one."""
    try:
        call = getattr(processor, hook, None)
        if call is not None:
            call(span)
    except Exception as error:
        hook_failed(processor, hook, error)
    return 0


cpdef object hook_failed(object of, str hook, object error):
    """Warns of what a processor or an exporter raised, and where. No traceback: that may show values of spans."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    once("hooks that raise", f"{type(of).__name__}.{hook}", "%s raised %s%s", (type(error).__name__, where))


@cython.final
@cython.no_gc
cdef class SchemaSpan(Span):
    """A span made by a SpanSchema: the schema's fields are attributes of it.

    A class of its own, as one that looks its attributes up itself has slower methods.
    """

    @property
    def schema(self):
        return self._schema

    cdef int put_fields(self, PyObject *const *values) except -1:
        """Sets the fields of the schema, but for those that are None."""
        cdef Schema schema = self._schema
        cdef uint32_t length_limit = self.recorder.limits.span_value_length
        cdef Py_ssize_t i
        for i in range(schema.count):
            value = <object>values[i]
            if value is not None and not put_usual(self, schema.keys[i].hash, schema.keys[i].text, value, length_limit):
                self.put(schema.names[i], value, length_limit)
        return 0

    def __getattr__(self, name):
        """A field of the span's schema, as it will be sent; or what else the schema's class has."""
        cdef Py_ssize_t index = -1 if self._schema is None else self._schema.index(name)
        if index < 0:
            if self._schema is None or name.startswith("__"):
                raise AttributeError(f"a span has no attribute {name!r}")
            for base in self._schema.of.__mro__:
                if name in vars(base):
                    found = vars(base)[name]
                    bind = getattr(type(found), "__get__", None)
                    return found if bind is None else bind(found, self, self._schema.of)
            raise AttributeError(f"{self._schema.of.__name__!r} span has no attribute {name!r}")
        if self.unsampled:
            return self.values[index]
        return self.attributes.get(self._schema.names[index])

    def __setattr__(self, name, value):
        cdef Py_ssize_t index = -1 if self._schema is None else self._schema.index(name)
        if index < 0:
            PyObject_GenericSetAttr(self, name, value)
        elif self.unsampled:
            self.values[index] = value
        elif self.ended:
            self.too_late("set_attribute", "Setting attribute on ended span.")
        elif value is None:
            if self.scratch.block != NULL:
                scratch_remove(&self.scratch, self._schema.keys[index].hash, self._schema.keys[index].text)
        elif not put_usual(self, self._schema.keys[index].hash, self._schema.keys[index].text, value,
                           self.recorder.limits.span_value_length):
            self.put(self._schema.names[index], value, self.recorder.limits.span_value_length)


@cython.final
@cython.no_gc
@cython.freelist(64)
cdef class UnsampledSpan:
    """A span that is not recorded, but is a parent: its context goes on. See `opentelemetry.trace.NonRecordingSpan`."""

    def __init__(self):
        raise TypeError("a span is made by its tracer")

    def __repr__(self):
        return f"NonRecordingSpan({self.get_span_context()!r})"

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        pass

    def get_span_context(self):
        if self.cached_context is None:
            self.cached_context = new_context(self.trace_id, self.span_id, self.trace_flags, self.trace_state)
        return self.cached_context

    def is_recording(self):
        return False

    def end(self, end_time=None):
        pass

    def set_attribute(self, key, value):
        pass

    def set_attributes(self, attributes):
        pass

    def add_event(self, name, attributes=None, timestamp=None):
        pass

    def add_link(self, context, attributes=None):
        pass

    def update_name(self, name):
        pass

    def set_status(self, status, description=None):
        pass

    def record_exception(self, exception, attributes=None, timestamp=None, escaped=False):
        pass


cdef int close_type(object of) except -1:
    """Of a class whose instances belong to a recorder: one without could only crash."""
    otlp_lite_close(<PyTypeObject *>of)
    return 0


close_type(Span)
close_type(SchemaSpan)
close_type(UnsampledSpan)
otlp_lite_lighten(<PyTypeObject *>Span)
otlp_lite_lighten(<PyTypeObject *>UnsampledSpan)
ApiSpan.register(Span)
NonRecordingSpan.register(UnsampledSpan)
