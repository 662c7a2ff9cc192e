"""Calls that no one should make: the tracer survives, and raises only what the stock SDK would raise too."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from enum import Enum
from types import MappingProxyType
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from stock import Stock
from world import Ours, World


class Kind(Enum):
    SERVER = 1


class Short(dict[str, int]):
    """Says that it is empty, and is not."""

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True


class NoText:
    def __str__(self) -> str:
        raise RuntimeError


class Wrong:
    """Its conversions return what they must not."""

    def __str__(self) -> str:
        return 5  # type: ignore[return-value]

    __repr__ = __str__

    def __int__(self) -> int:
        return "5"  # type: ignore[return-value]

    def __len__(self) -> int:
        return -1

    def __iter__(self) -> Iterator[int]:
        return 5  # type: ignore[return-value]


def loop() -> list[Any]:
    values: list[Any] = [1]
    values += [values, {"again": values}]
    return values


class BadState(TraceState):
    def to_header(self) -> str:
        return 5  # type: ignore[return-value]


class BadStatus(Status):
    @property
    def status_code(self) -> Any:
        return 7


def in_span(*context_arguments: Any, **named: Any) -> Context:
    return set_span_in_context(NonRecordingSpan(SpanContext(*context_arguments, **named)))


ODD: dict[str, Any] = {
    "None": None,
    "an int": 5,
    "a huge int": 1 << 200,
    "a negative int": -1,
    "not a number": float("nan"),
    "bytes": b"\xff",
    "a list": [1, "x"],
    "a loop": loop(),
    "a dict": {1: 2},
    "an object": object(),
    "a type": int,
    "without text": NoText(),
    "wrong": Wrong(),
    "a lone surrogate": "\ud800",
    "a zero byte": "a\0b",
    "a function": len,
}
PLACES: dict[str, Callable[[World, Any], object]] = {
    "name of a span": lambda world, odd: world.begin(odd),
    "name of a current span": lambda world, odd: world.current(odd).__enter__(),
    "kind": lambda world, odd: world.begin(kind=odd),
    "attributes": lambda world, odd: world.begin(attributes=odd),
    "links": lambda world, odd: world.begin(links=odd),
    "a link": lambda world, odd: world.begin(links=[odd]),
    "context of a link": lambda world, odd: world.begin(links=[Link(odd, {"a": 1})]),
    "start_time": lambda world, odd: world.begin(start_time=odd),
    "context": lambda world, odd: world.begin(context=odd),
    "a span in a context": lambda world, odd: world.begin(context=set_span_in_context(odd)),
    "a context's span's context": lambda world, odd: world.begin(
        context=set_span_in_context(NonRecordingSpan(odd))
    ),
    "key": lambda world, odd: world.span.set_attribute(odd, 1),
    "value": lambda world, odd: world.span.set_attribute("key", odd),
    "item": lambda world, odd: world.span.set_attribute("key", [1, odd]),
    "set_attributes": lambda world, odd: world.span.set_attributes(odd),
    "name of an event": lambda world, odd: world.span.add_event(odd),
    "attributes of an event": lambda world, odd: world.span.add_event("event", odd),
    "time of an event": lambda world, odd: world.span.add_event("event", None, odd),
    "add_link": lambda world, odd: world.span.add_link(odd),
    "attributes of add_link": lambda world, odd: world.span.add_link(SpanContext(1, 2, False), odd),
    "update_name": lambda world, odd: world.span.update_name(odd),
    "status": lambda world, odd: world.span.set_status(odd),
    "status code": lambda world, odd: world.span.set_status(Status(odd)),
    "description": lambda world, odd: world.span.set_status(StatusCode.ERROR, odd),
    "description of a status": lambda world, odd: world.span.set_status(Status(StatusCode.ERROR, odd)),
    "attributes of an exception": lambda world, odd: world.span.record_exception(ValueError(), odd),
    "text of an exception": lambda world, odd: world.span.record_exception(ValueError(odd)),
    "end_time": lambda world, odd: world.span.end(odd),
    "name of a scope": lambda world, odd: world.provider.get_tracer(odd).start_span("a"),
    "version of a scope": lambda world, odd: world.provider.get_tracer("a", odd).start_span("a"),
    "schema URL of a scope": lambda world, odd: world.provider.get_tracer("a", None, odd).start_span("a"),
    "attributes of a scope": lambda world, odd: world.provider.get_tracer("a", attributes=odd).start_span(
        "a"
    ),
}
ALONE: dict[str, Callable[[World], object]] = {
    "ended twice": lambda world: (world.span.end(), world.span.end(), world.span.end(5)),
    "used after its end": lambda world: (
        world.span.end(),
        world.span.set_attribute("a", 1),
        world.span.set_attributes({"a": 1}),
        world.span.add_event("a"),
        world.span.add_link(SpanContext(1, 2, False)),
        world.span.update_name("a"),
        world.span.set_status(StatusCode.OK),
        world.span.record_exception(ValueError()),
    ),
    "a mapping that lies about its length": lambda world: world.span.set_attributes(Short(a=1, b=2)),
    "an event's mapping that lies": lambda world: world.span.add_event("a", Short(a=1, b=2)),
    "a mapping that cannot be changed": lambda world: world.span.set_attributes(MappingProxyType({"a": 1})),
    "a foreign kind": lambda world: world.begin(kind=Kind.SERVER),
    "ids of a parent too large": lambda world: world.begin(context=in_span(1 << 200, 1 << 100, False)),
    "ids of a parent no integers": lambda world: world.begin(context=in_span(1.5, 2.5, False)),
    "ids of a link too large": lambda world: world.span.add_link(SpanContext(1 << 200, 1, False), {"a": 1}),
    "ids of a link negative": lambda world: world.span.add_link(SpanContext(-1, -1, False), {"a": 1}),
    "a trace state without a header": lambda world: world.begin(
        context=in_span(1, 2, False, TraceFlags(1), BadState([("a", "1")]))
    ).end(),
    "a status of another code": lambda world: world.span.set_status(BadStatus()),
    "a context that is none": lambda world: (context.attach("context"), world.begin()),  # type: ignore[arg-type]
    "no context": lambda world: (context.attach(None), world.begin()),  # type: ignore[arg-type]
    "a plain dict as a context": lambda world: (context.attach({}), world.begin()),  # type: ignore[arg-type]
    "a manager left before it is entered": lambda world: world.tracer.start_as_current_span("a").__exit__(
        None, None, None
    ),
    "no name": lambda world: world.tracer.start_span(),
    "an unknown argument": lambda world: world.begin("a", unknown=1),
}
ROWS = {f"{place}: {odd}": (use, value) for place, use in PLACES.items() for odd, value in ODD.items()}
ROWS |= {name: ((lambda world, call: call(world)), call) for name, call in ALONE.items()}


def raised(call: Callable[..., object], *arguments: object) -> type[Exception] | None:
    try:
        call(*arguments)
    except Exception as error:
        return type(error)
    return None


@pytest.fixture(autouse=True)
def outside() -> Iterator[None]:
    token = context.attach(Context())
    yield
    context.detach(token)


@pytest.mark.parametrize("row", ROWS)
def test_an_odd_call_raises_only_what_the_stock_sdk_raises(row: str) -> None:
    use, odd = ROWS[row]
    world = Ours()
    got = raised(use, world, odd)
    context.attach(Context())
    assert got is None or raised(use, Stock(), odd) is not None, got
    world.settle()


@pytest.mark.parametrize("what", ["tracer", "span", "live", "manager", "unsampled"])
def test_objects_come_from_their_makers_only(what: str) -> None:
    """Neither by type, nor by copying, nor by pickling: one without what it belongs to could only crash."""
    world = Ours(sampler="always_off" if what == "unsampled" else "always_on")
    made: dict[str, Any] = {
        "tracer": world.tracer,
        "span": world.begin(),
        "live": world.span,
        "manager": world.tracer.start_as_current_span("a"),
        "unsampled": world.span,
    }
    one = made[what]
    for call in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            call(one)
    kind: Any = type(one)
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(TypeError):
        kind.__new__(kind)
    with pytest.raises(TypeError):
        type("Sub", (kind,), {})


def test_everything_is_what_the_api_says_it_is() -> None:
    world, unsampled = Ours(), Ours(sampler="always_off")
    assert isinstance(world.provider, trace.TracerProvider)
    assert isinstance(world.tracer, trace.Tracer)
    assert isinstance(world.span, trace.Span)
    assert isinstance(unsampled.span, trace.NonRecordingSpan)
    assert not isinstance(world.span, trace.NonRecordingSpan)
    assert isinstance(world.span.get_span_context(), SpanContext)
    with world.tracer.start_as_current_span("a") as span:
        assert isinstance(span, trace.Span) and trace.get_current_span() is span


def test_spans_tracers_and_managers_can_be_held_weakly() -> None:
    world = Ours()
    span = world.tracer.start_span("a")
    held = weakref.ref(span)
    keyed = weakref.WeakKeyDictionary({span: 1})
    assert held() is span and keyed[span] == 1
    del span
    assert held() is None and len(keyed) == 0


METHODS = [
    (trace.TracerProvider, "get_tracer", ("scope", "1.2", "https://schema", {"a": 1})),
    (
        trace.Tracer,
        "start_span",
        ("name", Context(), SpanKind.CLIENT, {"a": 1}, [Link(SpanContext(1, 2, False))], 5, False, False),
    ),
    (
        trace.Tracer,
        "start_as_current_span",
        ("name", Context(), SpanKind.CLIENT, {"a": 1}, (), 5, False, False, True),
    ),
    (trace.Span, "end", (1_700_000_000_000_000_000,)),
    (trace.Span, "get_span_context", ()),
    (trace.Span, "set_attributes", ({"a": 1},)),
    (trace.Span, "set_attribute", ("a", 1)),
    (trace.Span, "add_event", ("event", {"a": 1}, 5)),
    (trace.Span, "add_link", (SpanContext(1, 2, False), {"a": 1})),
    (trace.Span, "update_name", ("renamed",)),
    (trace.Span, "is_recording", ()),
    (trace.Span, "set_status", (StatusCode.ERROR, "described")),
    (trace.Span, "record_exception", (ValueError("x"), {"a": 1}, 5, True)),
]


def test_every_method_of_the_api_is_in_the_table() -> None:
    for kind in (trace.TracerProvider, trace.Tracer, trace.Span):
        public = {name for name in vars(kind) if not name.startswith("_")}
        assert public == {method for owner, method, _ in METHODS if owner is kind}


@pytest.mark.parametrize(("kind", "method", "arguments"), METHODS, ids=lambda value: str(value)[:30])
def test_a_method_takes_the_api_s_arguments_by_position_and_by_name(
    kind: type[Any], method: str, arguments: tuple[Any, ...]
) -> None:
    names = list(inspect.signature(getattr(kind, method)).parameters)[1:]
    assert len(names) == len(arguments)
    seen = []
    for positional in range(len(names) + 1):
        world = Ours()
        owner = {trace.TracerProvider: world.provider, trace.Tracer: world.tracer}.get(kind, world.span)
        named = dict(zip(names[positional:], arguments[positional:], strict=True))
        made = getattr(owner, method)(*arguments[:positional], **named)
        if method == "get_tracer":
            made = made.start_span("scoped")
        if method == "start_as_current_span":
            with made as made:
                pass
        seen.append(shown(made if kind is not trace.Span else world.span))
    assert seen == [seen[0]] * len(seen)
    with pytest.raises(TypeError):
        getattr(owner, method)(*arguments, unknown=1)


def shown(span: Any) -> tuple[Any, ...]:
    """What the call decided."""
    scope = span.instrumentation_scope
    return (
        span.name,
        span.kind,
        dict(span.attributes),
        [(event.name, event.attributes.get("a"), event.timestamp == 5) for event in span.events],
        [(link.context, dict(link.attributes)) for link in span.links],
        (span.status.status_code, span.status.description),
        span.start_time == 5,
        span.end_time == 1_700_000_000_000_000_000,
        (scope.name, scope.version, scope.schema_url, dict(scope.attributes)),
        span.is_recording(),
    )


# ---- Sizes ----


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


def depth_of(value: Any) -> int:
    """How deep "bottom" lies, or -1."""
    depth = 0
    while value != "bottom":
        if not value:
            return -1
        value = value["k"] if isinstance(value, dict) else value[0]
        depth += 1
    return depth


def test_a_value_nested_deeper_than_receivers_follow_ends_in_null() -> None:
    world = Ours()
    for depth in (1, 30, 31, 32, 33, 100, 20_000):
        world.span.set_attribute("deep", nested(depth))
        assert depth_of(world.span.attributes["deep"]) == (depth if depth <= 31 else -1)
    world.settle()


@pytest.mark.parametrize("size", [20_000, 300_000, 10_000_000])
def test_a_large_text_arrives_whole(size: int) -> None:
    world = Ours(region_size="64MiB")
    text = "".join(chr(0x61 + number % 26) for number in range(1000)) * (size // 1000)
    world.span.set_attribute("large", text)
    world.span.add_event(text[: size // 2])
    world.begin(text)
    bodies = world.bodies
    world.settle()
    assert any(text.encode() in body for body in bodies)


def test_threads_that_end_and_drop_spans_of_each_other_keep_the_account() -> None:
    world = Ours(region_size="64MiB")
    spans: list[Any] = []
    done = threading.Event()

    def end_others() -> None:
        while not done.is_set() or spans:
            if spans:
                spans.pop().end()

    ender = threading.Thread(target=end_others)
    ender.start()
    for number in range(3000):
        span = world.tracer.start_span("handed over", attributes={"n": number})
        world.begun.append(span.get_span_context().span_id)
        spans.append(span)
        span.set_attribute("after", "x" * (number % 3000))
        del span
    done.set()
    ender.join()
    gc.collect()
    world.settle()
