# cython: language_level=3, auto_pickle=False
"""The tracer provider, tracers, and the manager that makes a span current: the hot path."""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError, PyDict_SetItem, PyDict_Size, PyDict_Update
from cpython.object cimport PyObject, PyTypeObject
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from posix.unistd cimport getpid

from otlp_lite._native.core cimport ids_next, span_clock
from otlp_lite._native.otlite cimport otlite_span
from otlp_lite._native.span cimport *
from otlp_lite._native.value cimport once, warn_anew

import contextvars
import weakref
from time import monotonic

from opentelemetry import context as context_api
from opentelemetry import trace as trace_api
from opentelemetry.context.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import SpanContext, SpanKind
from opentelemetry.trace.propagation import _SPAN_KEY

cdef extern from "Python.h":
    PyObject *PyEval_GetGlobals()
    unsigned long PyThread_get_thread_ident()
    int PyContextVar_Get(object var, PyObject *default, PyObject **value) except -1

cdef extern from *:
    """
    static inline PyObject *otlp_lite_new(PyTypeObject *type, PyObject *empty) {
        return type->tp_new(type, empty, NULL);
    }
    static inline PyObject *const *otlp_lite_items(PyObject *list) { return PySequence_Fast_ITEMS(list); }
    static inline int otlp_lite_collect(int on) {
    #if PY_VERSION_HEX < 0x030C0000
        return on ? PyGC_Enable() : PyGC_Disable();
    #else
        return on; /* collections wait for the interpreter's loop */
    #endif
    }
    /* Within these two no collection runs: a finaliser that attached a context would free what they are reading. */
    static inline PyObject *otlp_lite_var_set(PyObject *var, PyObject *value) {
        int on = otlp_lite_collect(0);
        PyObject *token = PyContextVar_Set(var, value);
        otlp_lite_collect(on);
        return token;
    }
    /* 1: reset. 0: it was entered in another contextvars.Context (a generator closed elsewhere), or left twice. */
    static inline int otlp_lite_var_reset(PyObject *var, PyObject *token) {
        int on = otlp_lite_collect(0);
        int done = PyContextVar_Reset(var, token) == 0;
        otlp_lite_collect(on);
        if (done) return 1;
        if (!PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_RuntimeError)) return -1;
        PyErr_Clear();
        return 0;
    }
    /* The contextvars.Context that runs, borrowed. */
    static inline PyObject *otlp_lite_running(void) { return PyThreadState_Get()->context; }
    static inline void otlp_lite_incref(PyObject *object) { Py_INCREF(object); }
    static inline void otlp_lite_decref(PyObject *object) { Py_DECREF(object); }
    /* Whether `object` is referred to once, and by no weak reference. */
    static inline int otlp_lite_ours_alone(PyObject *object) {
        Py_ssize_t weak = Py_TYPE(object)->tp_weaklistoffset;
        return Py_REFCNT(object) == 1 && (weak == 0 || *(PyObject **)((char *)object + weak) == NULL);
    }
    """
    PyObject *const *otlp_lite_items(list values)
    object otlp_lite_new(PyTypeObject *type, object empty)
    object otlp_lite_var_set(object var, object value)
    bint otlp_lite_var_reset(object var, object token) except -1
    PyObject *otlp_lite_running()
    void otlp_lite_incref(PyObject *value)
    void otlp_lite_decref(PyObject *value)
    bint otlp_lite_ours_alone(object value)

cdef extern from "calls.h":
    ctypedef object (*bound_call)(object self, PyObject *const *arguments, Py_ssize_t count, PyObject *named)
    object otlp_lite_bound_function(object self, bound_call call)
    ctypedef object (*enter_call)(object self, PyObject **function)
    ctypedef int (*exit_call)(object manager, PyObject *error) except -1
    object otlp_lite_within_function(object self, enter_call enter, exit_call leave)

cdef extern from "light.h":
    int otlp_lite_lighten(PyTypeObject *type) except -1

cdef object SPAN_KEY = _SPAN_KEY
cdef object MISSING = contextvars.Token.MISSING
cdef PyTypeObject *CONTEXT_TYPE = <PyTypeObject *>Context
cdef tuple EMPTY = ()
cdef object INTERNAL = SpanKind.INTERNAL
cdef dict KIND_NUMBERS = {kind: kind.value for kind in SpanKind}
cdef object INVALID_SPAN = trace_api.INVALID_SPAN

# The contextvar of the runtime context, when that is exactly the API's own; else None: attach and detach are asked.
cdef object context_var = None
cdef object default_context = None
cdef uint64_t left_out_of_order = 0
cdef Recorder NOBODY = Recorder.__new__(Recorder)  # of spans that are not recorded
cdef TracerProvider default_provider = None


cdef object find_context_var():
    global context_var, default_context
    runtime = context_api._RUNTIME_CONTEXT
    if type(runtime) is ContextVarsRuntimeContext:
        context_var = runtime._current_context
        default_context = contextvars.Context().run(context_var.get)

find_context_var()


# ---- The current context ----

cdef inline object current_context():
    cdef PyObject *value = NULL
    PyContextVar_Get(context_var, NULL, &value)
    current = <object>value
    otlp_lite_decref(value)
    return current


cdef enum:
    SPARES = 16
    AGAIN_MAX = 100     # times that a shutdown is interrupted again
    TRACERS_MAX = 4096  # remembered by their scope; one more is made anew for each who asks

# Contexts that hold nothing but SPAN_KEY, and that nobody else refers to: the next spans' own. We own them.
cdef PyObject *spares[SPARES]
cdef int spare_count = 0


cdef inline object context_with(object current, object span):
    """A copy of the current context in which `span` is current."""
    global spare_count
    cdef Py_ssize_t size = PyDict_Size(current)
    if size == 0 or (size == 1 and PyDict_GetItemWithError(current, SPAN_KEY) != NULL):
        if spare_count > 0:
            spare_count -= 1
            context = <object>spares[spare_count]
            otlp_lite_decref(spares[spare_count])
        else:
            context = otlp_lite_new(CONTEXT_TYPE, EMPTY)
    else:
        context = otlp_lite_new(CONTEXT_TYPE, EMPTY)
        PyDict_Update(context, current)
    PyDict_SetItem(context, SPAN_KEY, span)
    return context


cdef inline bint keep_context(object context) except -1:
    """Keeps a context that was just left for the next span, when only the caller refers to it."""
    global spare_count
    if not otlp_lite_ours_alone(context) or PyDict_Size(context) != 1 or spare_count == SPARES:
        return False
    PyDict_SetItem(context, SPAN_KEY, None)
    spares[spare_count] = <PyObject *>context
    otlp_lite_incref(spares[spare_count])
    spare_count += 1
    return True


cdef object mark_of(object context):
    """Of a context that was left while this contextvars.Context ran: (that, the context below); else None."""
    left = getattr(context, "otlp_lite_left", None) if type(context) is Context else None
    return left if left is not None and left[0]() is <object>otlp_lite_running() else None


cdef object skip_left(object context):
    """The nearest context below that was not left while this contextvars.Context ran."""
    left = mark_of(context)
    while left is not None:
        context = left[1]
        left = mark_of(context)
    return context


# ---- Parents ----

cdef struct parent_ids:
    bint valid
    bint remote
    uint8_t flags
    uint8_t trace_id[16]
    uint8_t span_id[8]


cdef object read_parent(object span, parent_ids *parent):
    """Any other span: its SpanContext, or None for a root."""
    context = span.get_span_context()
    if context is not None and not isinstance(context, SpanContext):
        raise TypeError("parent_span_context must be a SpanContext or None.")
    if context is None or not context.is_valid:
        return None
    cdef bytes trace_id = id_bytes(context.trace_id, 16)
    cdef bytes span_id = id_bytes(context.span_id, 8)
    if trace_id is None or span_id is None:
        once("ids", "parent", "%s: its ids are none; a root span is started", ())
        return None
    parent.valid = True
    parent.remote = context.is_remote
    parent.flags = <uint8_t>(int(context.trace_flags) & 0xff)
    memcpy(parent.trace_id, <const uint8_t *>trace_id, 16)
    memcpy(parent.span_id, <const uint8_t *>span_id, 8)
    return context


cdef inline parent_kind kind_of_parent(const parent_ids *parent) noexcept:
    if not parent.valid:
        return ROOT
    if parent.flags & FLAG_SAMPLED:
        return REMOTE_SAMPLED if parent.remote else LOCAL_SAMPLED
    return REMOTE_UNSAMPLED if parent.remote else LOCAL_UNSAMPLED


# ---- Tracers ----

@cython.final
cdef class Tracer:
    """See `opentelemetry.trace.Tracer`."""

    def __init__(self):
        raise TypeError("a tracer is made by its provider")

    @property
    def instrumentation_scope(self):
        return None if self.scope is None else self.scope.described

    @property
    def resource(self):
        return None if self.provider is None else self.provider.resource

    def start_span(self, name, context=None, kind=INTERNAL, attributes=None, links=None, start_time=None,
                   bint record_exception=True, bint set_status_on_exception=True):
        """Starts a span that is not current. See `opentelemetry.trace.Tracer.start_span`."""
        return self.start(name, context, kind, attributes, links, start_time, record_exception,
                          set_status_on_exception, None, None, None, NULL)

    def leaf(self, name, attributes=None, kind=INTERNAL, /):
        """Starts a span that never becomes current: its parent is the current span. `with` ends it, or end()."""
        span = self.start(name, None, kind, attributes, None, None, True, True, None, None, None, NULL)
        if type(span) is Span:
            (<Span>span).leaf = True
        return span

    def bind_leaf(self, schema, /):
        """What starts a leaf span of `schema`, a SpanSchema: called with the values of its fields."""
        described = getattr(schema, "otlp_lite_schema", None)
        if not isinstance(described, Schema):
            raise TypeError(f"bind_leaf: expected a SpanSchema with fields or a name, not {schema!r}")
        cdef BoundLeaf bound = BoundLeaf.__new__(BoundLeaf)
        bound.tracer = self
        bound.schema = described
        return otlp_lite_bound_function(bound, start_bound)

    def start_as_current_span(self, name, context=None, kind=INTERNAL, attributes=None, links=None, start_time=None,
                              bint record_exception=True, bint set_status_on_exception=True, bint end_on_exit=True):
        """A context manager, or decorator, in which a new span is current. See `opentelemetry.trace.Tracer`."""
        cdef CurrentSpan manager = CurrentSpan.__new__(CurrentSpan)
        manager.tracer = self
        manager.name = name
        if context is not None or kind is not INTERNAL or attributes is not None or links or start_time is not None:
            manager.rest = (context, kind, attributes, links, start_time)
        manager.record_exception = record_exception
        manager.set_status_on_exception = set_status_on_exception
        manager.end_on_exit = end_on_exit
        return manager

    cdef object start(self, object name, object context, object kind, object attributes, object links,
                      object start_time, bint record_exception, bint set_status_on_exception, object current,
                      Span made, Schema schema, PyObject *const *values):
        """`current` is the runtime context when the caller has it, else None. `values` are of the schema's fields.

        `made` becomes the span, if it is recorded; None: one is made.
        """
        cdef Recorder recorder = self.recorder
        cdef TracerProvider provider
        cdef parent_ids parent
        cdef PyObject *found
        cdef object parent_span = None, parent_context = None, parent_state = None
        if recorder is None:
            if not resolve(self):
                return start_noop(context, schema, values)
            recorder = self.recorder
        if recorder.epoch != page.epoch and not recorder.open():
            return start_noop(context, schema, values)
        provider = self.provider

        memset(&parent, 0, sizeof(parent))
        if context is None and context_var is not None:
            found = PyDict_GetItemWithError(current_context() if current is None else current, SPAN_KEY)
            if found != NULL:
                parent_span = <object>found
        else:
            parent_span = trace_api.get_current_span(context)
        if parent_span is not None:
            if type(parent_span) is Span:
                parent.valid = True
                parent.flags = (<Span>parent_span).trace_flags
                memcpy(parent.trace_id, (<Span>parent_span).data.trace_id, 16)
                memcpy(parent.span_id, (<Span>parent_span).data.span_id, 8)
                parent_state = (<Span>parent_span).trace_state
            elif type(parent_span) is UnsampledSpan:
                parent.valid = True
                parent.flags = (<UnsampledSpan>parent_span).trace_flags
                memcpy(parent.trace_id, (<UnsampledSpan>parent_span).trace_id, 16)
                memcpy(parent.span_id, (<UnsampledSpan>parent_span).span_id, 8)
                parent_state = (<UnsampledSpan>parent_span).trace_state
            elif isinstance(parent_span, Span) and not (<Span>parent_span).unsampled:  # a builder's
                parent.valid = True
                parent.flags = (<Span>parent_span).trace_flags
                memcpy(parent.trace_id, (<Span>parent_span).data.trace_id, 16)
                memcpy(parent.span_id, (<Span>parent_span).data.span_id, 8)
                parent_state = (<Span>parent_span).trace_state
            elif isinstance(parent_span, trace_api.Span):
                parent_context = read_parent(parent_span, &parent)
                if parent_context is not None:
                    parent_state = parent_context.trace_state or None

        cdef otlite_span begun
        cdef uint64_t boot
        begun.start = span_clock(recorder.region, &boot, &begun.anchor)
        if provider.ids != NULL:
            ids_next(provider.ids, boot, NULL if parent.valid else begun.trace_id, begun.span_id)
        else:
            provider.generate(boot, begun.trace_id if not parent.valid else NULL, begun.span_id)
        if parent.valid:
            memcpy(begun.trace_id, parent.trace_id, 16)
        cdef uint8_t flags
        if parent.valid:
            flags = parent.flags & FLAG_RANDOM
        else:
            flags = provider.root_flags

        cdef bint recording = True
        cdef object state = parent_state
        if provider.planned:
            if decide(&provider.plan[<int>kind_of_parent(&parent)], begun.trace_id):
                flags |= FLAG_SAMPLED
            else:
                recording = False
        else:
            if schema is not None:
                attributes = schema.attributes(values)
            result = provider.sampler.should_sample(context, id_number(begun.trace_id, 16), name, kind, attributes,
                                                    links or ())
            recording = result.decision.is_recording()
            if result.decision.is_sampled():
                flags |= FLAG_SAMPLED
            attributes = result.attributes
            state = result.trace_state or None
        if not recording:
            return unsampled(&begun, flags, state) if schema is None else \
                unsampled_of(schema, values, begun.trace_id, begun.span_id, flags, state)

        cdef Span span
        if made is not None:
            span = made
        elif schema is None:
            span = Span.__new__(Span)
        else:
            span = <Span>SchemaSpan.__new__(SchemaSpan)
        span.recorder = recorder
        span.scope = self.scope
        span.epoch = recorder.epoch
        span.trace_flags = flags
        span.trace_state = state
        span.record_on_exit = record_exception
        span.status_on_exit = set_status_on_exception
        span.name = name if PyUnicode_CheckExact(name) else plain_text(name)
        span.data.start = begun.start
        span.data.anchor = begun.anchor
        memcpy(span.data.trace_id, begun.trace_id, 16)
        memcpy(span.data.span_id, begun.span_id, 8)
        span.data.flags = 0x100
        if parent.valid:
            span.data.has_parent = True
            memcpy(span.data.parent_span_id, parent.span_id, 8)
            span.parent_context = parent_context
            span.parent_flags = parent.flags
            span.parent_state = parent_state
            if parent.remote:
                span.data.flags = 0x300
        if kind is not INTERNAL:
            if type(kind) is SpanKind:
                span.data.kind = KIND_NUMBERS[kind]
            else:
                once("kinds", type(kind).__name__, "kind of type %s: not a SpanKind; INTERNAL is used", ())
        if attributes:
            span.take_all(attributes)
        if links:
            for link in links:
                if link:
                    span.put_link(link.context, link.attributes)
        if schema is not None:
            span._schema = schema
            span.leaf = True
            if provider.planned:  # else the sampler has seen them, and may have changed them
                (<SchemaSpan>span).put_fields(values)
        if take_time(start_time, "start_time", &span.data.start):
            span.data.explicit_time = True
        if recorder.open_spans != 0:
            span.tell_open()
        if recorder.processors:
            for processor in recorder.processors:
                start_processor(processor, span, context)
        return span


cdef inline bint decide(const decision *plan, const uint8_t *trace_id) noexcept:
    cdef uint64_t low = 0
    cdef int i
    if plan.kind != RATIO:
        return plan.kind == SAMPLE
    for i in range(8, 16):
        low = low << 8 | trace_id[i]
    return low < plan.bound


cdef UnsampledSpan unsampled(const otlite_span *begun, uint8_t flags, object state):
    cdef UnsampledSpan span = UnsampledSpan.__new__(UnsampledSpan)
    span.trace_state = state
    span.trace_flags = flags
    memcpy(span.trace_id, begun.trace_id, 16)
    memcpy(span.span_id, begun.span_id, 8)
    return span


cdef SchemaSpan unsampled_of(Schema schema, PyObject *const *values, const uint8_t *trace_id,
                             const uint8_t *span_id, uint8_t flags, object state):
    """A span that is not recorded, but whose fields can be set and read."""
    cdef SchemaSpan span = SchemaSpan.__new__(SchemaSpan)
    cdef Py_ssize_t i
    span.recorder = NOBODY
    span._schema = schema
    span.values = [<object>values[i] for i in range(schema.count)]
    span.ended = span.unsampled = True
    span.name = schema.name
    span.trace_state = state
    span.trace_flags = flags
    memcpy(span.data.trace_id, trace_id, 16)
    memcpy(span.data.span_id, span_id, 8)
    return span


cdef int start_processor(object processor, Span span, object context) except -1:
    try:
        call = getattr(processor, "on_start", None)
        if call is not None:
            call(span, parent_context=context)
    except Exception as error:
        hook_failed(processor, "on_start", error)
    return 0


# ---- Tracers before there is a provider ----

cdef bint resolve(Tracer tracer):
    """Binds a tracer that was taken early, once there is a provider."""
    cdef Tracer bound
    if default_provider is None:
        return False
    bound = default_provider.get_tracer(*tracer.late)
    tracer.scope = bound.scope
    tracer.provider = bound.provider
    tracer.recorder = bound.recorder
    return tracer.recorder is not None


cdef object start_noop(object context, Schema schema, PyObject *const *values):
    """What the API's own NoOpTracer starts: the parent's context goes on."""
    cdef bytes trace_id, span_id
    current = trace_api.get_current_span(context)
    if schema is not None:
        parent = current.get_span_context()
        trace_id = id_bytes(parent.trace_id, 16) or bytes(16)
        span_id = id_bytes(parent.span_id, 8) or bytes(8)
        return unsampled_of(schema, values, <const uint8_t *>trace_id, <const uint8_t *>span_id,
                            int(parent.trace_flags) & 0xff, parent.trace_state)
    if isinstance(current, trace_api.NonRecordingSpan):
        return current
    return trace_api.NonRecordingSpan(current.get_span_context())


def get_tracer(name, version=None, schema_url=None, attributes=None):
    """A tracer of the provider set by `set_provider`, now or later: it resolves once, at its first span after."""
    cdef Tracer tracer = Tracer.__new__(Tracer)
    tracer.late = (name, version, schema_url, attributes)
    resolve(tracer)
    return tracer


@cython.final
cdef class BoundLeaf:
    """What `Tracer.bind_leaf` binds: the `__self__` of the function that it returns."""

    def __init__(self):
        raise TypeError("a bound leaf is made by its tracer")

    def __repr__(self):
        return f"<leaf of {self.schema.of.__qualname__}>"


cdef object start_bound(object self, PyObject *const *arguments, Py_ssize_t count, PyObject *named):
    cdef BoundLeaf bound = <BoundLeaf>self
    cdef Schema schema = bound.schema
    cdef list values
    cdef tuple names
    cdef Py_ssize_t i
    if named == NULL and count == schema.count:
        return bound.tracer.start(schema.name, None, schema.kind, None, None, None, True, True, None, None, schema,
                                  arguments)
    names = () if named == NULL else <tuple>named
    values = schema.arrange([<object>arguments[i] for i in range(count + len(names))], names)
    return bound.tracer.start(schema.name, None, schema.kind, None, None, None, True, True, None, None, schema,
                              otlp_lite_items(values))


# Tracers of modules that call span(), by the module's name.
cdef dict module_tracers = {}


cdef Tracer tracer_of_caller():
    """Of the module whose code calls us."""
    cdef PyObject *scope = PyEval_GetGlobals()
    module = (<dict>scope).get("__name__", "") if scope != NULL else ""
    cdef Tracer tracer = module_tracers.get(module)
    if tracer is None:
        tracer = get_tracer(module)
        if len(module_tracers) < TRACERS_MAX:
            module_tracers[module] = tracer
    return tracer


def span(name, attributes=None, kind=INTERNAL, links=None, /, **more):
    """A context manager, or decorator, in which a new span is current. Its scope is the calling module.

    Keywords are attributes, too: those whose keys are Python names.
    """
    cdef Tracer tracer = tracer_of_caller()
    if more:
        attributes = {**attributes, **more} if attributes else more
    cdef CurrentSpan manager = CurrentSpan.__new__(CurrentSpan)
    manager.tracer = tracer
    manager.name = name
    if kind is not INTERNAL or attributes is not None or links:
        manager.rest = (None, kind, attributes, links, None)
    manager.record_exception = manager.set_status_on_exception = manager.end_on_exit = True
    return manager


def set_provider(TracerProvider provider):
    """Sets the provider that `get_tracer` resolves to; None unsets it."""
    global default_provider
    default_provider = provider


# ---- The current span ----

@cython.final
@cython.no_gc  # a span, a context that holds it, and the arguments it was made with: nothing refers back
@cython.freelist(64)
cdef class CurrentSpan:
    """Makes a new span current for a with-block, or for each call of a function that it decorates."""

    def __init__(self):
        raise TypeError("a current span is made by its tracer")

    def __enter__(self):
        return enter(self)

    def __exit__(self, kind, error, traceback):
        if error is None and kind is not None:  # by hand, with the type alone
            try:
                raise kind()
            except BaseException as raised:
                error = raised
        exit(self, error)
        return False

    def __dealloc__(self):
        # entered, and thrown away without being left: the API's generator would be closed now
        if self.token is not None:
            leave(self)
            if self.end_on_exit and type(self.span) is Span:
                (<Span>self.span).finish(None)

    def __call__(self, function):
        """Decorates a function, sync or async: each call runs in a span of its own."""
        if self.given:
            raise TypeError("current(): it decorates no function, as its span was started before")
        from otlp_lite._native import decorate
        within = otlp_lite_within_function((self, function), enter_again, exit_entered)
        return decorate.in_span(self._again, function, within)

    def _again(self):
        """A manager like this one, not yet entered."""
        return like(self)


cdef CurrentSpan like(CurrentSpan other):
    cdef CurrentSpan manager = CurrentSpan.__new__(CurrentSpan)
    manager.tracer = other.tracer
    manager.name = other.name
    manager.rest = other.rest
    manager.record_exception = other.record_exception
    manager.set_status_on_exception = other.set_status_on_exception
    manager.end_on_exit = other.end_on_exit
    return manager


cdef object enter_again(object self, PyObject **function):
    """For a pair of a manager and a function: enters a manager like it."""
    cdef CurrentSpan manager = like(<CurrentSpan>(<tuple>self)[0])
    function[0] = <PyObject *>(<tuple>self)[1]
    enter(manager)
    return manager


cdef int exit_entered(object manager, PyObject *error) except -1:
    return exit(<CurrentSpan>manager, None if error == NULL else <object>error)


cdef object enter(CurrentSpan self):
    """Starts the span, makes it current, and returns it."""
    cdef object current = None, context = None, kind = INTERNAL, attributes = None, links = None, start_time = None
    if self.given and self.token is None:
        return enter_given(self)
    if self.span is not None:
        raise RuntimeError("start_as_current_span: its result is entered already")
    if self.rest is not None:
        context, kind, attributes, links, start_time = self.rest
    current = context_to_enter()
    span = self.tracer.start(self.name, context, kind, attributes, links, start_time, self.record_exception,
                             self.set_status_on_exception, current, None, None, NULL)
    attach(self, current, span)
    self.span = span
    return span


cdef inline object context_to_enter():
    """The runtime context, if that is the API's own; else None."""
    if context_var is None:
        return None
    current = current_context()
    if left_out_of_order != 0 and mark_of(current) is not None:
        del current.otlp_lite_left  # no leave makes it current: it was attached again, by hand
    return current


cdef inline int attach(CurrentSpan self, object current, object span) except -1:
    """Makes a span current; `current` is the runtime context, if that is the API's own."""
    if context_var is not None:
        self.attached = context_with(current, span)
        self.token = otlp_lite_var_set(context_var, self.attached)
    else:
        self.token = context_api.attach(context_api.set_value(SPAN_KEY, span))
    return 0


cdef object enter_given(CurrentSpan self):
    """Makes a span current that was started before."""
    attach(self, context_to_enter(), self.span)
    return self.span


cdef CurrentSpan current_of(Span span):
    """A manager in which a span of a builder is current; leaving it does not end it."""
    cdef CurrentSpan manager = CurrentSpan.__new__(CurrentSpan)
    manager.span = span
    manager.given = True
    manager.record_exception = span.record_on_exit
    manager.set_status_on_exception = span.status_on_exit
    return manager


cdef int exit(CurrentSpan self, object error) except -1:
    """Restores the context before, and ends the span; `error` is what ends the block, or None."""
    leave(self)
    if type(self.span) is not Span and not self.given:
        return 0
    cdef Span span = <Span>self.span
    try:
        if error is not None and isinstance(error, Exception) and not span.ended:
            span.fail(error, self.record_exception, self.set_status_on_exception, False)
    finally:
        if self.end_on_exit:
            span.finish(None)
    return 0


cdef int leave(CurrentSpan manager) except -1:
    """Restores the context before. Once one was left out of order, each is marked, and skipped by who returns to it."""
    global left_out_of_order
    cdef object token = manager.token, attached = manager.attached, below = None
    if token is None:
        raise RuntimeError("start_as_current_span: its result is not entered")
    manager.token = manager.attached = None
    if context_var is None:
        context_api.detach(token)
        return 0
    cdef bint in_order = current_context() is attached
    cdef bint restored = otlp_lite_var_reset(context_var, token)
    if not restored and manager.tracer is not None and manager.tracer.recorder is not None:
        manager.tracer.recorder.detach_failures += 1
    if restored and not in_order:
        left_out_of_order += 1
    if left_out_of_order != 0 or not restored:
        below = token.old_value
        if below is MISSING:
            below = default_context
    token = None
    if not restored and in_order:  # it was entered in another copy of the context: this one does not stay in it
        otlp_lite_var_set(context_var, skip_left(below))
    elif not (in_order and keep_context(attached)) and (left_out_of_order != 0 or not restored):
        # An attribute, which no copy of the context inherits.
        attached.otlp_lite_left = (weakref.ref(<object>otlp_lite_running()), below)
    if left_out_of_order != 0:
        current = current_context()
        wanted = skip_left(current)
        if wanted is not current:
            otlp_lite_var_set(context_var, wanted)
    return 0


# ---- The provider ----

@cython.final
cdef class TracerProvider:
    """See `opentelemetry.trace.TracerProvider`.

    `resource` is called once a process, forked children included; `scope` makes a hashable description of an
    instrumentation scope from (name, version, schema URL, attributes). `pipeline.opened(region)` is called by the
    first record of a process, and by the next when it returns False; `pipeline.force_flush(seconds)` and
    `.shutdown(seconds)` return whether all was settled in time. Without a pipeline spans are for the processors alone;
    where it is `unsupported` that there is none, each is counted as lost. `plan` is what the sampler does, as data,
    where it has no say of its own. `slots.region()` gives each process a region that outlives it, or None;
    `open_spans`: it is told there of spans that are open.
    """

    def __cinit__(self, **settings):
        self.recorder = Recorder.__new__(Recorder)

    def __init__(self, *, resource, scope, sampler, limits, region_size, plan=None, on_full="overwrite",
                 id_generator=None, ids="random", pipeline=None, bint unsupported=False, span_processors=(),
                 slots=None, bint open_spans=False):
        cdef Recorder recorder = self.recorder
        warn_anew()
        recorder.make_resource = resource
        recorder.slots = slots
        recorder.tell_open = open_spans
        recorder.region_size = region_size
        recorder.on_full = on_full
        recorder.pipeline = pipeline
        recorder.unsupported = unsupported
        recorder.processors = tuple(span_processors)
        recorder.limits = span_limits(
            bound_of(limits.max_span_attributes), bound_of(limits.max_events), bound_of(limits.max_links),
            bound_of(limits.max_event_attributes), bound_of(limits.max_link_attributes),
            bound_of(limits.max_attribute_length), bound_of(limits.max_span_attribute_length))
        self.sampler = sampler
        self.id_generator = id_generator
        if id_generator is not None:
            self.ids = NULL
            random = getattr(id_generator, "is_trace_id_random", None)
            self.root_flags = FLAG_RANDOM if random is not None and random() else 0
        else:
            self.ids = &page.os_ids if ids == "os" else &page.random_ids
            self.root_flags = FLAG_RANDOM
        self.planned = plan is not None and self._take_plan(plan)
        self.describe_scope = scope
        self.tracers = {}

    def set_up(self, **settings):
        """As made with other settings; tracers stay. False, and nothing is done, once a span of ours was started."""
        cdef Recorder recorder = self.recorder
        if recorder.epoch == page.epoch or recorder.closed:
            return False
        added = recorder.processors
        self.__init__(**settings)
        recorder.processors += added
        return True

    def _take_plan(self, plan):
        """Compiles what the sampler does; False when it has to be called."""
        steps = plan[1:] if plan[0] == "parent" else (plan,) * 5
        for i, step in enumerate(steps):
            if step is None or step[0] not in ("always_on", "always_off", "ratio"):
                return False
            self.plan[i].kind = SAMPLE
            if step[0] == "always_off":
                self.plan[i].kind = DROP
            elif step[0] == "ratio" and step[1] < 1 << 64:
                self.plan[i].kind = RATIO
                self.plan[i].bound = step[1]
        return True

    cdef int generate(self, uint64_t now, uint8_t *trace_id, uint8_t *span_id) except -1:
        cdef bytes trace = None, span
        if trace_id != NULL:
            trace = id_bytes(self.id_generator.generate_trace_id(), 16)
        span = id_bytes(self.id_generator.generate_span_id(), 8)
        if not valid_id(span) or (trace_id != NULL and not valid_id(trace)):
            once("id generators", type(self.id_generator).__name__,
                 "id generator %s: what it returned is no id; a random one is used", ())
            ids_next(&page.random_ids, now, trace_id, span_id)
            return 0
        if trace_id != NULL:
            memcpy(trace_id, <const uint8_t *>trace, 16)
        memcpy(span_id, <const uint8_t *>span, 8)
        return 0

    def get_tracer(self, instrumenting_module_name, instrumenting_library_version=None, schema_url=None,
                   attributes=None):
        """The tracer of this scope; the same scope gives the same tracer."""
        cdef Tracer tracer
        if not instrumenting_module_name:
            instrumenting_module_name = ""
            once("tracers", "get_tracer", "%s called with missing module name.", ())
        version = "" if instrumenting_library_version is None else plain_text(instrumenting_library_version)
        described = self.describe_scope(plain_text(instrumenting_module_name), version,
                                        None if schema_url is None else plain_text(schema_url), attributes)
        # No lock: a fork would inherit it held, a signal handler would wait for it. The first tracer stays.
        known = self.tracers.get(described)
        if known is not None:
            return known
        tracer = Tracer.__new__(Tracer)
        tracer.scope = Scope(described)
        tracer.provider = self
        tracer.recorder = self.recorder
        return tracer if len(self.tracers) == TRACERS_MAX else self.tracers.setdefault(described, tracer)

    @property
    def resource(self):
        """This process's resource."""
        if self.recorder.epoch != page.epoch and not self.recorder.open():
            return self.recorder.make_resource()
        return self.recorder.resource

    @property
    def region(self):
        """This process's core.Region; None before its first span."""
        return self.recorder.region if self.recorder.epoch == page.epoch else None

    @property
    def detach_failures(self):
        """Contexts that could not be left where they were entered."""
        return self.recorder.detach_failures

    def add_span_processor(self, span_processor):
        self.recorder.processors += (span_processor,)

    def force_flush(self, timeout_millis=30000):
        """Sends what has ended, and asks the span processors to. False when the time did not suffice."""
        deadline = monotonic() + timeout_millis / 1000
        done = True
        self.recorder.take_up()
        if self.recorder.pipeline is not None:
            done = self.recorder.pipeline.force_flush(timeout_millis / 1000)
        for processor in self.recorder.processors:
            left = deadline - monotonic()
            if left <= 0 or call_off_span(processor, "force_flush", int(left * 1000)) is False:
                done = False
        return done

    def shutdown(self, timeout=2.0, *, bint exiting=False):
        """Sends what has ended, within `timeout` seconds, and stops. What ends later is counted as lost.

        That is said once; where the process is `exiting`, by this thread alone: another that writes may stop the exit.
        """
        cdef Recorder recorder = self.recorder
        cdef bint done = True, interrupted = True
        cdef object late = None
        if exiting:
            recorder.quiet = True
            recorder.exit_thread = PyThread_get_thread_ident()
        if recorder.closed:
            return True
        recorder.take_up()
        deadline = monotonic() + timeout
        recorder.warned_closed = False
        recorder.exiting = exiting
        recorder.shut_pid = getpid()
        recorder.shut = False
        recorder.closed = True
        recorder.retired, recorder.processors = recorder.processors, ()
        try:
            if recorder.pipeline is not None:
                try:
                    done = recorder.pipeline.shutdown(timeout)
                    interrupted = False
                finally:
                    for _ in range(AGAIN_MAX if interrupted else 0):  # by a signal's handler
                        try:
                            recorder.pipeline.shutdown(0.0)
                            break
                        except BaseException as error:  # by another, in this moment
                            late = error
                    if late is not None:
                        raise late
        finally:
            try:
                for processor in recorder.retired:
                    if not hasattr(type(processor), "shutdown_within"):  # of its class: ours have it
                        call_off_span(processor, "shutdown")
                    elif not call_off_span(processor, "shutdown_within", deadline - monotonic()):
                        done = False
            finally:
                recorder.shut = True
        return done

    @property
    def closed(self):
        """shutdown() was called, and restart() was not."""
        return bool(self.recorder.closed)

    @property
    def closing(self):
        """shutdown() was called, and is not through."""
        recorder = self.recorder
        return (bool(recorder.closed) and not recorder.shut and not recorder.restarting
                and recorder.shut_pid == getpid())

    @property
    def restarting(self):
        """restart() was called in this process, and is not through."""
        return bool(self.recorder.restarting) and self.recorder.shut_pid == getpid()

    def restart(self, renew):
        """After shutdown(): records again, into the same region; `renew()` gives the pipeline that empties it now.

        The span processors are called again; a `reopen()` of theirs first. False, and nothing is done, unless a
        shutdown() is through and no other restart() came first.
        """
        cdef Recorder recorder = self.recorder
        if not recorder.closed or (not recorder.shut and recorder.shut_pid == getpid()):
            return False
        recorder.shut = False
        recorder.shut_pid = getpid()
        recorder.restarting = True
        try:
            recorder.pipeline = renew()
            recorder.bring_back()
            recorder.announced = False
            recorder.closed = False
        finally:
            recorder.shut = recorder.closed
            recorder.restarting = False
        if (recorder.epoch == page.epoch and not recorder.announced and recorder.pipeline is not None
                and recorder.region.stats().pending):
            recorder.announce()
        return True


def call_off_span(processor, hook, *arguments):
    """Calls a span processor's hook, if it has that one. False when it raised."""
    try:
        call = getattr(processor, hook, None)
        return None if call is None else call(*arguments)
    except Exception as error:
        hook_failed(processor, hook, error)
        return False


cdef bint valid_id(bytes identifier):
    return identifier is not None and any(identifier)


cdef uint32_t bound_of(object limit) except? 0:
    return 0xffffffff if limit is None else min(limit, 0xffffffff)


close_type(Tracer)
close_type(CurrentSpan)
otlp_lite_lighten(<PyTypeObject *>CurrentSpan)
close_type(BoundLeaf)
trace_api.Tracer.register(Tracer)
trace_api.TracerProvider.register(TracerProvider)
