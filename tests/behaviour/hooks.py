"""Every point where an SDK runs a program's code: a row each, reached by one call of the API."""

from __future__ import annotations

import gc
import logging
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

from odd_values import (
    Disguised,
    Failure,
    Flag,
    Key,
    Number,
    Row,
    Shown,
    Table,
    Text,
    Walk,
    alike,
    failure,
)
from opentelemetry.context import Context
from opentelemetry.sdk.trace.export import SimpleSpanProcessor as StockSimple
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from world import World

from otlp_lite.traces.processor import SimpleSpanProcessor

PROGRAM = "program"
"""What the program's code raises there reaches the program, in the stock SDK too."""
LOGGED = "logged"
"""An Exception ends there; what is not one, KeyboardInterrupt above all, reaches the program."""
UNRAISABLE = "unraisable"
"""Python itself lets nothing out of there."""


@dataclass
class Hook:
    name: str
    call: Callable[[World], object]
    raised: str
    settings: dict[str, Callable[[Callable[[], None]], Any]] = field(default_factory=dict)
    """Settings of the SDK, made from what calls `act()`."""

    def __str__(self) -> str:
        return self.name


HOOKS: list[Hook] = []


def hook(
    raised: str, **settings: Callable[[Callable[[], None]], Any]
) -> Callable[[Callable[[World], object]], None]:
    """Adds the decorated call as a row, by its name."""

    def add(call: Callable[[World], object]) -> None:
        HOOKS.append(Hook(call.__name__, call, raised, settings))

    return add


# ---- Values ----


VALUES: dict[str, Callable[[World], Any]] = {
    "str": Text,
    "repr": Shown,
    "items": Row,
    "iterator": Walk,
    "mapping": Table,
    "nested": lambda world: [{"a": (Text(world),)}],
    "key": lambda world: {Key(world): 1, "b": Text(world)},
    "hash": alike,
    "class": Disguised,
}
WAYS: dict[str, Callable[[World, Any], object]] = {
    "start_span": lambda world, value: world.begin(attributes={"first": 1, "value": value}),
    "set_attribute": lambda world, value: world.span.set_attribute("value", value),
    "set_attributes": lambda world, value: world.span.set_attributes({"first": 1, "value": value}),
    "an event": lambda world, value: world.span.add_event("event", {"value": value}),
    "a link": lambda world, value: world.span.add_link(SpanContext(1, 2, False), {"value": value}),
    "an exception": lambda world, value: world.span.record_exception(Failure(), {"value": value}),
    "a scope": lambda world, value: world.provider.get_tracer("scope", attributes={"value": value}),
}


def value_hook(way: str, kind: str) -> Hook:
    use, make = WAYS[way], VALUES[kind]
    return Hook(f"{kind} of a value of {way}", lambda world: use(world, make(world)), LOGGED)


HOOKS += [value_hook(way, kind) for way in WAYS for kind in VALUES]


# ---- Arguments ----


@hook(PROGRAM)
def attributes_of_start_span(world: World) -> None:
    world.begin(attributes=Table(world))


@hook(LOGGED)
def attributes_of_set_attributes(world: World) -> None:
    world.span.set_attributes(Table(world))


@hook(LOGGED)
def attributes_of_an_event(world: World) -> None:
    world.span.add_event("event", Table(world))


@hook(PROGRAM)
def attributes_of_a_link(world: World) -> None:
    world.span.add_link(SpanContext(0, 0, False), Table(world))


@hook(PROGRAM)
def attributes_of_an_exception(world: World) -> None:
    world.span.record_exception(Failure(), Table(world))


@hook(PROGRAM)
def attributes_of_a_scope(world: World) -> None:
    world.provider.get_tracer("scope", attributes=Table(world))


@hook(LOGGED)
def name_of_start_span(world: World) -> None:
    world.begin(Text(world))


@hook(LOGGED)
def name_of_a_current_span(world: World) -> None:
    with world.current(Text(world)):
        pass


@hook(LOGGED)
def name_of_update_name(world: World) -> None:
    world.span.update_name(Text(world))


@hook(LOGGED)
def name_of_an_event(world: World) -> None:
    world.span.add_event(Text(world))


@hook(LOGGED)
def names_of_a_scope(world: World) -> None:
    world.provider.get_tracer(Text(world), Text(world), Text(world)).start_span("scoped")


@hook(LOGGED)
def key_of_set_attribute(world: World) -> None:
    for key, value in alike(world).items():
        world.span.set_attribute(key, value)
    world.span.set_attributes(alike(world))
    world.span.set_attributes({Key(world): 2})


@hook(LOGGED)
def start_time(world: World) -> None:
    world.begin(start_time=Number(world))


@hook(LOGGED)
def time_of_an_event(world: World) -> None:
    world.span.add_event("event", timestamp=Number(world))


@hook(LOGGED)
def end_time(world: World) -> None:
    world.span.end(Number(world))


@hook(PROGRAM)
def escaped(world: World) -> None:
    world.span.record_exception(Failure(), escaped=Text(world))


@hook(PROGRAM)
def flags(world: World) -> None:
    with suppress(Failure), world.current(record_exception=Flag(world)):
        raise Failure


class OwnStatus(Status):
    world: World

    @property
    def description(self) -> str | None:
        self.world.act()
        return "described"


@hook(LOGGED)
def status(world: World) -> None:
    own = OwnStatus(StatusCode.ERROR)
    own.world = world
    world.span.set_status(own)


# ---- Contexts, parents, links ----


class OwnContext(Context):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def get(self, key: Any, default: Any = None) -> Any:
        self.world.act()
        return super().get(key, default)


@hook(PROGRAM)
def context(world: World) -> None:
    world.begin(context=OwnContext(world))


class OwnParent(NonRecordingSpan):
    world: World

    def get_span_context(self) -> SpanContext:
        self.world.act()
        return super().get_span_context()


@hook(PROGRAM)
def parent(world: World) -> None:
    span = OwnParent(SpanContext(1, 2, True, TraceFlags(1)))
    span.world = world
    world.begin(context=set_span_in_context(span))


class OwnState(TraceState):
    world: World

    def to_header(self) -> str:
        self.world.act()
        return super().to_header()


@hook(LOGGED)
def trace_state(world: World) -> None:
    state = OwnState([("a", "1")])
    state.world = world
    context = set_span_in_context(NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1), state)))
    world.begin(context=context).end()


class Links:
    def __init__(self, world: World) -> None:
        self.world = world

    def __iter__(self) -> Iterator[Any]:
        for number in (1, 2, 3):
            self.world.act()
            yield Link(SpanContext(number, number, False))


class OwnLink(Link):
    world: World

    @property
    def context(self) -> SpanContext:
        self.world.act()
        return super().context


@hook(PROGRAM)
def links(world: World) -> None:
    world.begin(links=Links(world))


@hook(PROGRAM)
def context_of_a_link(world: World) -> None:
    link = OwnLink(SpanContext(1, 2, False))
    link.world = world
    world.begin(links=[link])


# ---- Exceptions that leave a span ----


@hook(LOGGED)
def exception_that_leaves_a_current_span(world: World) -> None:
    with suppress(Failure), world.current():
        raise failure(world)


@hook(LOGGED)
def exception_that_leaves_a_span(world: World) -> None:
    with suppress(Failure), world.begin():
        raise failure(world)


@hook(LOGGED)
def exception_of_record_exception(world: World) -> None:
    world.span.record_exception(failure(world))


# ---- What is plugged into an SDK ----


class OwnSampler(Sampler):
    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act

    def should_sample(self, *arguments: Any, **named: Any) -> SamplingResult:
        self.act()
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "own"


@hook(PROGRAM, sampler=OwnSampler)
def sampler(world: World) -> None:
    world.begin()


class OwnIds(IdGenerator):
    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act
        self.random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        self.act()
        return self.random.generate_trace_id()

    def generate_span_id(self) -> int:
        self.act()
        return self.random.generate_span_id()


@hook(PROGRAM, id_generator=OwnIds)
def id_generator(world: World) -> None:
    world.begin()


class OwnProcessor:
    """Duck-typed: its hooks are looked up by Python code, too."""

    def __init__(self, act: Callable[[], None], *hooks: str) -> None:
        self.act = act
        self.hooks = hooks

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name in self.hooks:
            self.act()
            return lambda *arguments, **named: self.act()
        return lambda *arguments, **named: None


@hook(LOGGED, span_processors=lambda act: [OwnProcessor(act, "on_start")])
def on_start(world: World) -> None:
    world.begin()


@hook(LOGGED, span_processors=lambda act: [OwnProcessor(act, "_on_ending")])
def on_ending(world: World) -> None:
    world.span.end()


@hook(LOGGED, span_processors=lambda act: [OwnProcessor(act, "on_end")])
def on_end(world: World) -> None:
    world.span.end()


class OwnExporter(SpanExporter):
    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act

    def export(self, spans: Sequence[Any]) -> Any:
        for span in spans:
            span.to_json()
        self.act()


@hook(LOGGED, span_processors=lambda act: [SimpleSpanProcessor(OwnExporter(act))])
def exporter(world: World) -> None:
    world.span.end()


@hook(LOGGED, span_processors=lambda act: [StockSimple(OwnExporter(act))])
def exporter_of_the_stock_processor(world: World) -> None:
    world.span.end()


@contextmanager
def logged(act: Callable[[], None]) -> Iterator[None]:
    """The SDKs' messages come to a handler that calls `act`."""
    handler = logging.Handler()
    handler.emit = lambda record: act()  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in ("otlp_lite", "opentelemetry")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def complain(world: World) -> Iterable[Callable[[], object]]:
    """Calls of which an SDK complains in its log."""
    span = world.span
    yield lambda: span.set_attribute("", 1)
    yield lambda: span.set_attribute("value", object())
    yield lambda: span.set_attributes({"": 1, "value": {"": object()}})
    yield lambda: span.add_event("event", {"value": [object()]})
    yield span.end
    yield span.end
    yield lambda: span.set_attribute("late", 1)


@hook(PROGRAM)
def logging_handler(world: World) -> None:
    with logged(world.act):
        for call in complain(world):
            call()


# ---- Finalisers ----


class Dying(str):
    """A name whose end is Python code."""

    world: World

    def __del__(self) -> None:
        self.world.act()


def dying(world: World, text: str) -> Dying:
    name = Dying(text)
    name.world = world
    return name


@hook(UNRAISABLE)
def finaliser_of_a_name(world: World) -> None:
    world.span.update_name(dying(world, "first"))
    world.span.update_name(dying(world, "second"))
    world.span.set_status(Status(StatusCode.ERROR, dying(world, "third")))
    world.span.set_status(Status(StatusCode.ERROR, dying(world, "fourth")))
    world.begin(dying(world, "fifth"))


@hook(UNRAISABLE)
def finaliser_of_a_link(world: World) -> None:
    class Linked(SpanContext):
        def __del__(self) -> None:
            world.act()

    for _ in range(130):
        world.span.add_link(Linked(1, 2, False))


@hook(UNRAISABLE)
def callback_of_a_weak_reference(world: World) -> None:
    tracer = world.tracer
    spans = [tracer.start_span("dropped"), tracer.start_as_current_span("unused")]
    references = [weakref.ref(spans[0], lambda reference: world.act())]
    spans.clear()
    assert references[0]() is None


COLLECTS_ANYWHERE = sys.version_info < (3, 12)
"""CPython before collects also within `ContextVar.set()`, and goes on with what a callback's own `set()`
freed: a crash without any SDK. So there none is called within one: on no other thread, which may set its
first, and not while a span becomes current, or a callback is at it."""


@contextmanager
def collecting(collected: Callable[[], None], applies: bool = True) -> Iterator[None]:
    """At each allocation, or nearly."""
    thresholds, own = gc.get_threshold(), get_ident()

    def callback(*_: object) -> None:
        if not COLLECTS_ANYWHERE:
            collected()
        elif get_ident() == own:
            gc.disable()
            try:
                collected()
            finally:
                gc.enable()

    if not applies:
        yield
        return
    gc.callbacks.append(callback)
    gc.set_threshold(1, 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(callback)


@hook(UNRAISABLE)
def garbage_collection(world: World) -> None:
    with (
        collecting(world.act, not COLLECTS_ANYWHERE),
        world.current(attributes={"a": [1, {"b": 2}]}) as span,
        collecting(world.act, COLLECTS_ANYWHERE),
    ):
        span.add_event("event", {"c": [[], {}]})
        world.begin(links=[Link(SpanContext(1, 2, False), {"d": []})])
    with collecting(world.act):
        world.provider.get_tracer("collected", attributes={"e": [{}]})
