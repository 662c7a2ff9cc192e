"""Makes 1000 spans of a fixed seed through the OpenTelemetry API alone: generate.py TRUTH.

TRUTH is a JSON file that gets what the calls mean. Nothing in it is read back from an SDK, but for what
an SDK draws at random: ids, and times that are not given (those lie between two readings of the clock).
A value is a pair of its type and its content: ["int", 5], ["double", "0x1.8p+0"], ["bytes", "00ff"].
Of more attributes, events or links than LIMITS allows the newest stay, as opentelemetry-python has it.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

SEED = 20260823
SPANS = 1000
UNSAMPLED = 40  # recorded under a parent that was not sampled: nobody may receive them
SCOPES = 40
LIMITS = {  # to be set in the environment of the SDK
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": 20,
    "OTEL_SPAN_EVENT_COUNT_LIMIT": 6,
    "OTEL_SPAN_LINK_COUNT_LIMIT": 4,
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": 6,
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": 3,
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": 20_000,
}

ALPHABETS = (  # each width in which CPython stores text, each length in UTF-8
    "abcdefghijklmnopqrstuvwxyzABCXYZ0189 .,:/_-\"'\\<>&\n\t\r\x00\x1b\x7f",
    "az09\x80\xa0\xad\xbf\xc0\xe9\xff",
    "az\xe9\u0100\u03b1\u0416\u07ff",
    "az\xe9\u07ff\u0800\u2028\u20ac\u4e2d\ud7ff\ue000\ufeff\ufffd\uffff",
    "az\xe9\u20ac\U00010000\U0001f600\U0001f468\u200d\U000e0041\U0010ffff",
)
LENGTHS = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65)
LONG = (127, 128, 129, 255, 256, 257, 4095, 4096, 4097, 16384, 19_999, 20_000, 20_001, 40_000)
INTEGERS = (0, 1, -1, 127, 128, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63))
DOUBLES = (
    0.0, -0.0, 1.0, -1.5, 0.1, 1e16, 1e21, 1e-7, math.inf, -math.inf, math.nan, 5e-324, -5e-324,
    2.225073858507201e-308, 2.2250738585072014e-308, 1.7976931348623157e308,
)  # fmt: skip
TIMES = ((1, 1), (1, 2**63 - 1), (10**18, 10**18), (2**63 - 1, 2**63), (2**63, 2**64 - 1))
WHEN = 1_700_000_000_000_000_000

Tagged = list[Any]
Attributes = dict[str, Any]
Truth = dict[str, Any]


def tagged(value: object) -> Tagged:
    """The value with its type, strings cut to the limit, in types that JSON holds exactly."""
    if value is None:
        return ["none", None]
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, int):
        return ["int", value]
    if isinstance(value, float):
        return ["double", value.hex()]
    if isinstance(value, str):
        return ["str", value[: LIMITS["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"]]]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, Mapping):
        return ["map", [[key, tagged(item)] for key, item in value.items()]]
    if isinstance(value, Sequence):
        return ["list", [tagged(item) for item in value]]
    raise TypeError(type(value))


class Bounded:
    """Attributes under a limit: the oldest make room, and a key set again is a new one."""

    def __init__(self, limit: int | None, attributes: Attributes) -> None:
        self.limit = limit
        self.kept: dict[str, Tagged] = {}
        self.dropped = 0
        self.update(attributes)

    def update(self, attributes: Attributes) -> None:
        for key, value in attributes.items():
            self.kept.pop(key, None)
            if len(self.kept) == self.limit:
                del self.kept[next(iter(self.kept))]
                self.dropped += 1
            self.kept[key] = tagged(value)

    def truth(self) -> Truth:
        return {"attributes": [*map(list, self.kept.items())], "dropped_attributes": self.dropped}


class Values:
    """Random values of every type of attribute, edges preferred."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def text(self, lengths: Sequence[int] = LENGTHS) -> str:
        return "".join(self.random.choices(self.random.choice(ALPHABETS), k=self.random.choice(lengths)))

    def integer(self) -> int:
        if self.chance(0.5):
            return self.random.choice(INTEGERS)
        return self.random.getrandbits(self.random.randint(1, 63)) * self.random.choice((1, -1))

    def double(self) -> float:
        if self.chance(0.7):
            return self.random.choice(DOUBLES)
        (value,) = struct.unpack("<d", self.random.randbytes(8))
        return math.nan if math.isnan(value) else float(value)

    def boolean(self) -> bool:
        return self.chance(0.5)

    def blob(self) -> bytes:
        return self.random.randbytes(self.random.choice(LENGTHS))

    def uniform(self, _: int) -> list[Any]:
        make = self.random.choice((self.text, self.integer, self.double, self.boolean, self.blob))
        return [make() for _ in range(self.random.randint(0, 5))]

    def mixed(self, depth: int) -> list[Any] | tuple[Any, ...]:
        items = [self.value(depth + 1) for _ in range(self.random.randint(0, 4))]
        return items if self.boolean() else tuple(items)

    def mapping(self, depth: int) -> Attributes:
        return {self.key(): self.value(depth + 1) for _ in range(self.random.randint(0, 4))}

    def value(self, depth: int = 0) -> Any:
        if depth == 0 and self.chance(0.005):
            return self.text(LONG)
        if depth < 4 and self.chance(0.35):
            return self.random.choice((self.uniform, self.mixed, self.mapping))(depth)
        make = self.random.choice(
            (self.text, self.text, self.integer, self.double, self.boolean, self.blob, lambda: None)
        )
        return make()

    def key(self) -> str:
        return self.text(LENGTHS[1:9])

    def attributes(self, most: int) -> Attributes:
        return {self.key(): self.value() for _ in range(self.random.randint(0, most))}

    def ids(self) -> tuple[int, int]:
        return self.random.getrandbits(128) | 1, self.random.getrandbits(64) | 1

    def remote(self, sampled: bool) -> SpanContext:
        """The context of a span of somebody else, for the most part in another process."""
        state = self.trace_state() if self.boolean() else None
        trace_id, span_id = self.ids()
        return SpanContext(trace_id, span_id, self.chance(0.8), TraceFlags(sampled), state)

    def trace_state(self) -> TraceState:
        names = self.random.sample(("vendor", "a-b", "tenant@sys", "x_y/z*"), self.random.randint(1, 4))
        return TraceState([(name, "v" * self.random.randint(1, 9) + " !~") for name in names])


@dataclass
class Draft:
    """What is known of a span so far."""

    name: str
    kind: SpanKind
    scope: int
    attributes: Bounded
    links: list[Truth]
    events: list[Truth] = field(default_factory=list)
    code: StatusCode = StatusCode.UNSET
    message: str = ""
    context: Truth = field(default_factory=dict)  # ids, trace state, flags
    start: int | Truth = 0
    end: int | Truth = 0

    def set_status(self, code: StatusCode, message: str | None) -> None:
        """Ok is final, and Unset changes nothing."""
        if self.code is not StatusCode.OK and code is not StatusCode.UNSET:
            self.code, self.message = code, message or ""

    def truth(self) -> Truth:
        events = self.events[-LIMITS["OTEL_SPAN_EVENT_COUNT_LIMIT"] :]
        links = self.links[-LIMITS["OTEL_SPAN_LINK_COUNT_LIMIT"] :]
        return {
            **self.context,
            "name": self.name,
            "kind": 1 + self.kind.value,
            "scope": self.scope,
            "start": self.start,
            "end": self.end,
            **self.attributes.truth(),
            "events": events,
            "dropped_events": len(self.events) - len(events),
            "links": links,
            "dropped_links": len(self.links) - len(links),
            "status": {"code": self.code.value, "message": self.message},
        }


def ids(context: SpanContext) -> Truth:
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def flags(context: SpanContext, remote: bool) -> Truth:
    return {"remote": remote, "trace_flags": int(context.trace_flags)}


def since(before: int) -> Truth:
    """The time of a call that read the clock itself, later than `before`."""
    return {"between": [before, time.time_ns()]}


def described(error: BaseException, stacktrace: str, escaped: bool) -> dict[str, Any]:
    """The attributes of the event that records an exception."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    return {
        "exception.type": module + kind.__qualname__,
        "exception.message": str(error),
        "exception.stacktrace": stacktrace,
        "exception.escaped": str(escaped),
    }


class Failure(Exception):
    """Leaves the block of a span."""


class Program:
    """Makes the spans, and keeps the truth about each."""

    def __init__(self, seed: int) -> None:
        self.values = Values(Random(seed))
        self.random = self.values.random
        self.scopes: list[Truth] = []
        self.tracers: list[trace.Tracer] = []
        self.truths: list[Truth] = []
        self.known: list[SpanContext] = []  # of our spans, for others to name as parent or in a link

    def run(self) -> Truth:
        for index in range(SCOPES):
            self.scope(index)
        while len(self.truths) < SPANS:
            self.span()
        for _ in range(UNSAMPLED):
            self.unsampled()
        return {"scopes": self.scopes, "spans": self.truths}

    def some(self, *counts: int) -> range:
        return range(self.random.choice(counts))

    def scope(self, index: int) -> None:
        name = f"scope {index} {self.values.text()}"
        version = self.random.choice((None, f"{index}.{self.values.text()}"))
        schema = self.random.choice((None, f"https://example.com/schemas/{index}/\xe9"))
        attributes = self.values.attributes(4)
        self.tracers.append(trace.get_tracer(name, version, schema_url=schema, attributes=attributes))
        kept = Bounded(None, attributes).truth()["attributes"]
        said = {"name": name, "version": version or "", "schema_url": schema or "", "attributes": kept}
        self.scopes.append(said)

    def link(self) -> tuple[Link, Truth]:
        """A link to a span of ours or of others, without trace state: the stock exporter leaves that out."""
        context = SpanContext(*self.values.ids(), self.values.boolean(), TraceFlags(self.values.boolean()))
        ours = [known for known in self.known if not known.trace_state]
        if ours and self.values.chance(0.4):
            context = self.random.choice(ours)
        attributes = self.values.attributes(5)
        said = Bounded(LIMITS["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"], attributes).truth()
        said |= ids(context) | {"trace_state": "", "flags": flags(context, context.is_remote)}
        return Link(context, attributes), said

    def parent(self, current: SpanContext | None) -> tuple[Context | None, SpanContext | None]:
        """A context to start a span in, and the parent that it means."""
        choice = self.random.random()
        if choice < 0.4:
            return None, current
        if choice < 0.6:
            return Context(), None
        parent = self.random.choice(self.known) if self.known and choice < 0.8 else self.values.remote(True)
        return trace.set_span_in_context(NonRecordingSpan(parent), Context()), parent

    def times(self) -> tuple[int | None, int | None]:
        past = (WHEN, WHEN + self.random.getrandbits(40))
        return self.random.choice(
            ((None, None), (None, 2**62), (WHEN, None), past, self.random.choice(TIMES))
        )

    def span(self, current: SpanContext | None = None, depth: int = 0) -> None:
        """One span and its children; `current` is the one that the context holds."""
        place = len(self.truths)
        self.truths.append({})  # children come after their parent
        context, parent = self.parent(current)
        start, end = self.times()
        links = [self.link() for _ in self.some(0, 0, 0, 1, 2, 6)]
        attributes = self.values.attributes(6)
        bounded = Bounded(LIMITS["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"], attributes)
        kind, scope = self.random.choice(list(SpanKind)), self.random.randrange(SCOPES)
        draft = Draft(self.values.text(), kind, scope, bounded, [said for _, said in links])
        becomes_current, records, marks = (self.values.chance(p) for p in (0.5, 0.8, 0.8))

        tracer = self.tracers[scope]
        before = time.time_ns()
        block = (tracer.start_as_current_span if becomes_current else tracer.start_span)(
            draft.name, context, kind, attributes, [link for link, _ in links], start, records, marks
        )
        try:
            with block as span:
                draft.start = start or since(before)
                own = self.identify(draft, span, parent)
                self.fill(draft, span)
                if becomes_current and depth < 4:
                    for _ in self.some(0, 1, 2, 3):
                        if len(self.truths) < SPANS:
                            self.span(own, depth + 1)
                if end:
                    span.end(end)  # leaving the block ends it again, which must change nothing
                before = time.time_ns()
                if not end and self.values.chance(0.2):
                    raise Failure("it failed: " + self.values.text())
        except Failure as error:
            if records:
                last = "".join(traceback.format_exception_only(error))
                said = Bounded(None, described(error, last, escaped=not becomes_current)).truth()
                said["attributes"][2][1] = {"ends": last}  # above it stand the SDK's own frames
                draft.events.append({"name": "exception", "time": since(before), **said})
            if marks:
                draft.set_status(StatusCode.ERROR, f"Failure: {error}")
        draft.end = end or since(before)
        self.truths[place] = draft.truth()

    def identify(self, draft: Draft, span: Span, parent: SpanContext | None) -> SpanContext:
        """The ids of a span: its own as the program sees them, the others as its parent has them."""
        seen = span.get_span_context()
        trace_id = parent.trace_id if parent else seen.trace_id
        state = parent.trace_state if parent else None
        own = SpanContext(trace_id, seen.span_id, False, seen.trace_flags, state)
        draft.context = ids(own) | {
            "parent_id": ids(parent)["span_id"] if parent else "",
            "trace_state": ",".join(f"{key}={value}" for key, value in (state or {}).items()),
            "flags": flags(own, remote=parent is not None and parent.is_remote),
        }
        self.known.append(own)
        return own

    def fill(self, draft: Draft, span: Span) -> None:
        """Calls everything that a live span has."""
        for _ in self.some(0, 1, 2, 3, 4, 40 if self.values.chance(0.2) else 5):
            old = [*draft.attributes.kept]
            key = self.random.choice(old) if old and self.values.chance(0.2) else self.values.key()
            value = self.values.value()
            span.set_attribute(key, value)
            draft.attributes.update({key: value})
        more = self.values.attributes(3)
        span.set_attributes(more)
        draft.attributes.update(more)
        for _ in self.some(0, 0, 0, 1, 2, 9):
            self.event(draft, span)
        for _ in self.some(0, 0, 0, 0, 1, 5):
            link, said = self.link()
            span.add_link(link.context, link.attributes)
            draft.links.append(said)
        for _ in self.some(0, 0, 1, 2):
            code = self.random.choice(list(StatusCode))
            text = self.values.text() if code is StatusCode.ERROR and self.values.boolean() else None
            span.set_status(*((Status(code, text),) if self.values.boolean() else (code, text)))
            draft.set_status(code, text)
        if self.values.chance(0.1):
            draft.name = self.values.text()
            span.update_name(draft.name)

    def event(self, draft: Draft, span: Span) -> None:
        attributes = self.values.attributes(4)
        when = self.random.choice((None, None, WHEN, 1, 2**64 - 1))
        name, said = self.values.text(), attributes
        before = time.time_ns()
        if self.values.chance(0.3):
            try:
                raise self.random.choice((ValueError, struct.error, LookupError))(self.values.text())
            except (ValueError, struct.error, LookupError) as error:
                span.record_exception(error, attributes, when)
                name = "exception"
                said = (
                    described(error, "".join(traceback.format_exception(error)), escaped=False) | attributes
                )
        else:
            span.add_event(name, attributes, when)
        kept = Bounded(LIMITS["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"], said).truth()
        draft.events.append({"name": name, "time": when or since(before), **kept})

    def unsampled(self) -> None:
        """A span and its child under a parent that was not sampled."""
        context = trace.set_span_in_context(NonRecordingSpan(self.values.remote(False)), Context())
        tracer = self.random.choice(self.tracers)
        with tracer.start_as_current_span(
            "never sampled", context, attributes=self.values.attributes(3)
        ) as span:
            span.add_event("never", self.values.attributes(2))
            tracer.start_span("never sampled either").end()


if __name__ == "__main__":
    program = Program(SEED)
    with open(sys.argv[1], "w", encoding="ascii") as file:
        json.dump(program.run(), file)
