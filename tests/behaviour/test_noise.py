"""What a program does wrong at each span is said once for each thing, for 64 of a kind."""

from __future__ import annotations

import gc
import logging
import re
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import child
import pytest
from clock import Clock
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
from scripted import Receiver
from world import Ours

from otlp_lite.traces.processor import SimpleSpanProcessor, SpanProcessor

HUGE = 1 << 70
HALF: Any = 0.5
FAR = "an integer outside 64 bits"
TYPES = "not bool, str, bytes, int, float, None, a sequence or a mapping; "
CLOCK = "not a time in ns since 1970; the clock is used"
OVER = "the span would hold more than 11252 bytes, too much for its region_size; dropped"


def raising(*arguments: object, **named: object) -> Any:
    raise RuntimeError("no")


def named(name: str, *bases: type[Any], **methods: Callable[..., Any]) -> Any:
    """An object whose class is of that name."""
    return type(name, bases, {f"__{method}__": function for method, function in methods.items()})()


class Hook(SpanProcessor):
    """Whose classes are of as many names as `name` has."""

    def __init__(self, hook: str) -> None:
        self._hook = hook

    def name(self, name: str) -> None:
        self.__class__ = type(name, (Hook,), {self._hook: raising})


class Exporter:
    def name(self, name: str) -> None:
        self.__class__ = type(name, (Exporter,), {})

    def export(self, spans: Sequence[Any]) -> None:
        raise RuntimeError("no")

    def shutdown(self) -> None: ...


class Ids:
    def name(self, name: str) -> None:
        self.__class__ = type(name, (Ids,), {})

    def generate_trace_id(self) -> int:
        return 1 << (8 if type(self) is Ids else 200)

    def generate_span_id(self) -> int:
        return 0x11


class Row(NamedTuple):
    """A call about what is called `name`, and the whole line that is said of it."""

    call: Callable[[Ours, str], object]
    said: str
    settings: Callable[[], dict[str, Any]] = dict


def deep() -> Any:
    value: Any = []
    for _ in range(40):
        value = [value]
    return value


def ended(world: Ours, name: str) -> Any:
    span = world.tracer.start_span(name)
    span.end()
    return span


def late(call: Callable[[Any], object], world: Ours, name: str) -> None:
    call(ended(world, name))


def in_context(context: SpanContext) -> Any:
    return set_span_in_context(NonRecordingSpan(context))


def with_state(world: Ours, name: str) -> None:
    state = type(name, (TraceState,), {"to_header": raising})([("a", "1")])
    world.tracer.start_span("s", in_context(SpanContext(1, 2, False, TraceFlags(1), state))).end()


def left_by(world: Ours, name: str) -> None:
    error = type(name, (Exception,), {"__module__": named("Module", str=raising)})
    with suppress(error), world.tracer.start_as_current_span("s"):
        raise error


class Plugged:
    """The hook of a row, given to the provider by its settings."""

    def __init__(self, hook: Any, **settings: Callable[[], Any]) -> None:
        self._hook, self._kind = hook, type(hook)
        self._settings = settings

    def settings(self) -> dict[str, Any]:
        self._hook.__class__ = self._kind  # as it was before the last row, which does nothing wrong
        return {name: make() for name, make in self._settings.items()}

    def __call__(self, world: Ours, name: str) -> None:
        self._hook.name(name)
        world.tracer.start_span("s").end()


def hooked(hook: str) -> Row:
    processor = Hook(hook)
    call = Plugged(processor, span_processors=lambda: [processor])
    return Row(call, f"X.{hook} raised RuntimeError at {__file__}:{LINE}", call.settings)


def small() -> dict[str, Any]:
    return {"region_size": "64KiB"}


LINE = raising.__code__.co_firstlineno + 1
EXPORT_LINE = Exporter.export.__code__.co_firstlineno + 1
EXPORTER, IDS = Exporter(), Ids()
EXPORTED = Plugged(EXPORTER, span_processors=lambda: [SimpleSpanProcessor(EXPORTER)])
IDENTIFIED = Plugged(IDS, id_generator=lambda: IDS)
LATE: dict[str, tuple[str, Callable[[Any], object]]] = {
    "an attribute": ("Setting attribute on ended span.", lambda span: span.set_attribute("k", 1)),
    "attributes": ("Setting attribute on ended span.", lambda span: span.set_attributes({"k": 1})),
    "an event": ("Tried calling add_event on an ended span.", lambda span: span.add_event("e")),
    "a link": (
        "Tried calling add_link on an ended span.",
        lambda span: span.add_link(SpanContext(1, 2, False)),
    ),
    "a name": ("Tried calling update_name on an ended span.", lambda span: span.update_name("n")),
    "a status": ("Tried calling set_status on an ended span.", lambda span: span.set_status(StatusCode.OK)),
    "an end": ("Calling end() on an ended span.", lambda span: span.end()),
}
NAMED: dict[str, Row] = {  # what is called X: its message begins anew with another name
    "a value of a type of its own": Row(
        lambda world, name: world.span.set_attribute("k", named(name, str=lambda self: "text")),
        f"attribute value of type X: {TYPES}its str() is taken",
    ),
    "a value within others": Row(
        lambda world, name: world.span.add_event("e", {"k": [{"in": named(name, str=lambda self: "text")}]}),
        f"attribute value of type X: {TYPES}its str() is taken",
    ),
    "a value without text": Row(
        lambda world, name: world.span.set_attribute("k", named(name)),
        f"attribute value of type X: {TYPES}it has no text of its own: sent as null",
    ),
    "a value whose text raises": Row(
        lambda world, name: world.span.set_attribute("k", named(name, str=raising)),
        f"attribute value of type X: {TYPES}its __str__ raised RuntimeError: sent as null",
    ),
    "a key of a type of its own": Row(
        lambda world, name: world.span.set_attributes({named(name, str=lambda self: "k"): 1}),
        "attribute key of type X: not a str; its str() is taken",
    ),
    "a key whose text raises": Row(
        lambda world, name: world.span.add_event("e", {named(name, str=raising): 1}),
        "attribute key of type X: not a str; its __str__ raised RuntimeError: dropped",
    ),
    "an empty key": Row(
        lambda world, name: world.span.set_attributes({named(name, str): 1}),
        "attribute key of type X: it is empty; dropped",
    ),
    "a key alone": Row(
        lambda world, name: world.span.set_attribute(named(name), 1),
        "attribute key of type X: not a non-empty str; dropped",
    ),
    "an integer": Row(
        lambda world, name: world.span.set_attribute(name, HUGE), f"attribute 'X': {FAR}; dropped"
    ),
    "an integer within": Row(
        lambda world, name: world.span.set_attribute(name, [HUGE]),
        f"attribute 'X': {FAR} in it, or more than a region can hold; dropped",
    ),
    "an integer of an event": Row(
        lambda world, name: world.span.add_event("e", {name: HUGE}),
        f"attribute 'X': {FAR}, or more than a region can hold; dropped",
    ),
    "a value that cannot be read": Row(
        lambda world, name: world.span.set_attribute(
            name, named("Odd", Sequence, getitem=raising, len=raising)
        ),
        "attribute 'X': reading its value raised RuntimeError; sent as null",
    ),
    "attributes that cannot be read": Row(
        lambda world, name: world.span.set_attributes(named(name, items=raising, len=lambda self: 1)),
        "attributes of type X: reading them raised AttributeError; dropped",
    ),
    "attributes of an event that cannot be read": Row(
        lambda world, name: world.span.add_event("e", named(name, len=raising)),
        "attributes of type X: reading them raised RuntimeError; dropped",
    ),
    "a status that cannot be read": Row(
        lambda world, name: world.span.set_status(
            type(name, (Status,), {"status_code": property(raising)})(StatusCode.OK)
        ),
        "status of type X: reading it raised RuntimeError; ignored",
    ),
    "a trace state": Row(with_state, "trace state of type X: it has no header; left out"),
    "an exception that cannot be recorded": Row(left_by, "exception X: recording it raised RuntimeError"),
    "an attribute too large": Row(
        lambda world, name: world.span.set_attribute(name, "x" * 20_000),
        f"'X': with this attribute {OVER}",
        small,
    ),
    "an event too large": Row(
        lambda world, name: world.span.add_event(name, {"k": "x" * 20_000}),
        f"'X': with this event {OVER}",
        small,
    ),
    "a link too large": Row(
        lambda world, name: world.tracer.start_span(
            name, links=[Link(SpanContext(1, 2, False), {"k": "x" * 20_000})]
        ),
        f"'X': with this link {OVER}",
        small,
    ),
    "a processor at the start": hooked("on_start"),
    "a processor at the ending": hooked("_on_ending"),
    "a processor at the end": hooked("on_end"),
    "an exporter": Row(
        EXPORTED, f"X.export raised RuntimeError at {__file__}:{EXPORT_LINE}", EXPORTED.settings
    ),
    "an id generator": Row(
        IDENTIFIED, "id generator X: what it returned is no id; a random one is used", IDENTIFIED.settings
    ),
    **{
        f"{what} after the end": Row(
            partial(late, call),
            f"span 'X': {said}",
        )
        for what, (said, call) in LATE.items()
    },
}
ALONE: dict[str, Row] = {
    "values too deep": Row(
        lambda world, name: world.span.set_attribute(name, deep()),
        "attribute value: nested deeper than 31; what is below is sent as null",
    ),
    "a kind": Row(
        lambda world, name: world.tracer.start_span("s", kind=2).end(),
        "kind of type int: not a SpanKind; INTERNAL is used",
    ),
    "a start": Row(
        lambda world, name: world.tracer.start_span("s", start_time=name).end(),
        f"start_time of type str: {CLOCK}",
    ),
    "an end": Row(lambda world, name: world.tracer.start_span("s").end(-1), f"end_time of type int: {CLOCK}"),
    "a timestamp": Row(
        lambda world, name: world.span.add_event("e", None, float("nan")),
        f"event timestamp of type float: {CLOCK}",
    ),
    "a link's ids": Row(
        lambda world, name: world.span.add_link(SpanContext(1 << 200, 1, False), {"a": 1}),
        "link: its ids are none; dropped",
    ),
    "a parent's ids": Row(
        lambda world, name: world.tracer.start_span("s", in_context(SpanContext(HALF, 2, False))).end(),
        "parent: its ids are none; a root span is started",
    ),
    "a description": Row(
        lambda world, name: world.span.set_status(Status(StatusCode.ERROR), name),
        "set_status: its description is ignored. Use either `Status` or `(StatusCode, Description)`",
    ),
    "a tracer": Row(
        lambda world, name: world.provider.get_tracer("").start_span(name).end(),
        "get_tracer called with missing module name.",
    ),
}
ROWS = NAMED | ALONE


def check(caplog: pytest.LogCaptureFixture, lines: list[str]) -> None:
    assert caplog.messages == lines
    for record in caplog.records:
        kind = (record.levelno, record.exc_info, record.name)
        assert kind == (logging.WARNING, None, "otlp_lite.traces")


@pytest.mark.parametrize("row", ROWS)
def test_the_same_is_said_once(row: str, caplog: pytest.LogCaptureFixture) -> None:
    call, line, settings = ROWS[row]
    world = Ours(**settings())
    for _ in range(1000):
        call(world, "X")
    check(caplog, [line])
    world.close()


@pytest.mark.parametrize("row", NAMED)
def test_64_of_a_kind_are_said_and_that_there_are_more(row: str, caplog: pytest.LogCaptureFixture) -> None:
    call, line, settings = ROWS[row]
    world = Ours(**settings())
    for number in (*range(1000), *range(1000)):
        call(world, f"X{number}")
    lines = [re.sub(r"\bX\b", f"X{number}", line) for number in range(64)]
    kind, _, more = caplog.messages[-1].partition(": ")
    assert kind and more == "64 were warned of; further ones are not shown"
    check(caplog, [*lines, caplog.messages[-1]])
    world.close()


def test_one_kind_leaves_room_for_the_others(caplog: pytest.LogCaptureFixture) -> None:
    world = Ours()
    for number in range(100):
        world.span.set_attribute(f"k{number}", HUGE)
    caplog.clear()
    rows = [ROWS[row] for row in ("a value of a type of its own", "a trace state", "an end")]
    for row in rows:
        row.call(world, "X")
    assert caplog.messages == [row.said for row in rows]


def test_what_was_said_is_not_formatted_again(caplog: pytest.LogCaptureFixture) -> None:
    """A name of 30 MB would cost a tenth of a second each time. A line shows the beginning of it."""
    world = Ours()
    name = "x" * 30_000_000
    clock = Clock()
    for _ in range(1000):
        world.span.set_attribute(name, HUGE)
    assert clock.own() < 10
    check(caplog, [f"attribute '{name[:100]}': {FAR}; dropped"])
    assert world.span.dropped_attributes == 1000


def test_what_is_remembered_keeps_nothing_of_the_program_alive() -> None:
    world = Ours()
    kind = type("Gone", (), {"__str__": lambda self: "text"})
    value = kind()
    held = [weakref.ref(value), weakref.ref(kind)]
    world.span.set_attributes({"k": value})
    del value, kind
    gc.collect()
    assert [each() for each in held] == [None, None]


def test_a_program_without_a_handler_prints_each_line_once() -> None:
    with Receiver() as receiver:
        ended = child.run(
            child.SET_UP
            + """
for _ in range(1000):
    with tracer.start_as_current_span("s", attributes={"": 1, "k": object()}) as span:
        span.set_attribute(5, 1)
    span.end()
""",
            receiver,
        )
        assert len(receiver.spans()) == 1000
    assert ended.err.splitlines() == [
        "attribute key of type str: it is empty; dropped",
        f"attribute value of type object: {TYPES}it has no text of its own: sent as null",
        "attribute key of type int: not a non-empty str; dropped",
        "span 's': Calling end() on an ended span.",
    ]
