"""Headers of any kind through the API's propagators: parent, state and baggage of a span are what they say.

The propagators are opentelemetry-api's: what is ours is a span under the context that they make, its bytes,
and the headers that go on from there. What a traceparent says is found here by a reader of its own.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any, NamedTuple

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otlp_lite.cli.otlp import Span, decode
from otlp_lite.testing import Collected, collect

TRACE, BAGGAGE = TraceContextTextMapPropagator(), W3CBaggagePropagator()
BATCH = 200
NAMED = {
    sys.modules[TraceContextTextMapPropagator.__module__].__file__: r"(extract|inject)$",
    sys.modules[W3CBaggagePropagator.__module__].__file__: r"(extract|inject|_\w+)$",
    sys.modules[trace.TraceState.__module__].__file__: r"TraceState\.(from_header|to_header)$",
}
"""The files that read the headers, and their functions that do."""

Headers = dict[str, list[str]]


class Wrong(AssertionError):
    """What the span made of the headers is not what they say."""


# ---- What a header says ----


class Parent(NamedTuple):
    """Of traceparent."""

    trace_id: str
    span_id: str
    flags: int


def parent_of(header: str) -> Parent | None:
    """By the recommendation's own grammar; None where it says nothing."""
    header = header.removesuffix("\n").strip(" \t")
    parts = header.split("-", 4)
    if len(parts) < 4 or [len(part) for part in parts[:4]] != [2, 32, 16, 2]:
        return None
    version, trace_id, span_id, flags = parts[:4]
    if any(character not in "0123456789abcdef" for part in parts[:4] for character in part):
        return None
    if version == "ff" or (version == "00" and len(parts) > 4) or "\n" in header:
        return None
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Parent(trace_id, span_id, int(flags, 16))


# ---- Headers ----

KEY = "abcz09_-*/"
VALUE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
ODD = ["\t", " ", ",", "=", ";", "\n", "\x00", "\x7f", "é", "%", "%41", "-", "\ud800", "𐍈", '"', "--", "00"]


def some(draw: Random, alphabet: str, longest: int) -> str:
    length = draw.choice([1, 2, 8, draw.randint(0, longest)])
    return "".join(draw.choices(alphabet, k=min(length, longest)))


def traceparent(draw: Random) -> str:
    version = draw.choice(["00"] * 6 + ["01", "fe", "ff", "0f"])
    trace_id = draw.choice([f"{draw.getrandbits(128):032x}"] * 8 + ["0" * 32, "0" * 31 + "1"])
    span_id = draw.choice([f"{draw.getrandbits(64):016x}"] * 8 + ["0" * 16, "f" * 16])
    tail = draw.choice([""] * 9 + ["-", "-what", " ", "\t"])
    return f"{version}-{trace_id}-{span_id}-{draw.getrandbits(8):02x}{tail}"


def tracestate(draw: Random) -> str:
    count = draw.choice([1, 2, 3, draw.randint(0, 34)])
    members = []
    for _ in range(count):
        key = draw.choice("abcz") + some(draw, KEY, 12) + draw.choice(["", "", "@" + draw.choice("abc")])
        value = some(draw, VALUE, 20).rstrip() or "1"
        members.append(f"{draw.choice(['', ' ', chr(9)])}{key}={value}")
    return ",".join(members)


def baggage_header(draw: Random) -> str:
    if draw.random() < 0.01:
        return draw.choice(["a=" + "b" * 5000, ",".join(f"k{n}=v" for n in range(200)), "a=b," * 3000])
    count = draw.choice([1, 2, 3, draw.randint(0, 12)])
    words = ["plain", "a%20b", "%C3%A9", "a+b", "x;meta=1", "", " spaced "]
    return ",".join(f"{some(draw, KEY, 6)}={draw.choice(words)}" for _ in range(count))


def changed(draw: Random, header: str) -> str:
    """Now and then a few places of it otherwise."""
    while draw.random() < 0.3:
        at, size = draw.randint(0, len(header)), draw.choice([0, 1, 1, 4])
        header = header[:at] + draw.choice([*ODD, some(draw, VALUE, 3)]) + header[at + size :]
    return header


def headers(draw: Random) -> Headers:
    made: Headers = {}
    if draw.random() < 0.95:
        made["traceparent"] = [changed(draw, traceparent(draw))]
    if draw.random() < 0.01:
        made["tracestate"] = [f"{key}={'v' * 250}" for key in "abcdefghijklmnopqrstuvwxyz" * 2]
    elif draw.random() < 0.7:
        made["tracestate"] = [changed(draw, tracestate(draw)) for _ in range(draw.choice([1, 1, 1, 2]))]
    if draw.random() < 0.7:
        made["baggage"] = [changed(draw, baggage_header(draw))]
    return made


# ---- A case ----


class Case(NamedTuple):
    """What was sent in, and what the span must say in its bytes."""

    headers: Headers
    parent: Parent | None
    state: str
    trace_id: int
    span_id: int


def require(holds: bool, what: str, *values: object) -> None:
    if not holds:
        raise Wrong(f"{what}: {values!r}")


def encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def received(made: Headers, baggage_first: bool) -> Context:
    """What the propagators make of them, in either order."""
    if not encodable(made.get("baggage", [""])[0]):
        return TRACE.extract(made)
    if baggage_first:
        return TRACE.extract(made, BAGGAGE.extract(made))
    return BAGGAGE.extract(made, TRACE.extract(made))


def pass_on(tracer: trace.Tracer, made: Headers, baggage_first: bool) -> Case:
    """A request with these headers is served in a span, from which another request goes out."""
    parent = parent_of(made["traceparent"][0]) if "traceparent" in made else None
    context = received(made, baggage_first)
    told = trace.get_current_span(context).get_span_context()
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    outgoing: dict[str, str] = {}
    BAGGAGE.inject(before, context)
    TRACE.inject(outgoing, context)
    require(("traceparent" in outgoing) == (parent is not None), "the parent's own", made, outgoing)
    token = attach(context)
    try:
        with tracer.start_as_current_span("served") as span:
            ours = span.get_span_context()
            require(baggage.get_all() == baggage.get_all(context), "baggage in the span", made)
            TRACE.inject(outgoing)
            BAGGAGE.inject(after)
        require(trace.get_current_span().get_span_context() == told, "what was current before", made)
    finally:
        detach(token)
    require(before == after, "baggage that goes on", made, before, after)
    header = told.trace_state.to_header() if told.is_valid and told.trace_state else ""
    flags = 1 | (parent.flags & 2 if parent else ours.trace_flags & 2)
    require(ours.trace_flags == flags, "flags", made, ours)
    expected = f"00-{ours.trace_id:032x}-{ours.span_id:016x}-{flags:02x}"
    require(outgoing.get("traceparent") == expected, "traceparent", made, outgoing, expected)
    require(outgoing.get("tracestate", "") == header, "tracestate", made, outgoing, header)
    if parent:
        require(f"{ours.trace_id:032x}" == parent.trace_id, "the parent's trace", made, ours)
    again = parent_of(outgoing["traceparent"])
    require(again is not None and int(again.span_id, 16) == ours.span_id, "what goes out", outgoing)
    return Case(made, parent, header, ours.trace_id, ours.span_id)


def require_bytes(case: Case, span: Span) -> None:
    require(span.trace_id == case.trace_id.to_bytes(16, "big"), "trace id", case, span)
    require(span.span_id == case.span_id.to_bytes(8, "big"), "span id", case, span)
    parent = bytes.fromhex(case.parent.span_id) if case.parent else b""
    require(span.parent_span_id == parent, "parent", case, span)
    require(span.trace_state == case.state, "trace state", case, span)
    require(span.flags >> 8 == (3 if case.parent else 1), "whether the parent is remote", case, span)


class Forgetful:
    """A tracer with a planted fault: one span in a hundred forgets the trace state that its parent has."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer, self._started = tracer, 0

    def start_as_current_span(self, name: str) -> Any:
        self._started += 1
        told = trace.get_current_span().get_span_context()
        if self._started % 100 != 0 or not told.trace_state:
            return self._tracer.start_as_current_span(name)
        bare = trace.SpanContext(told.trace_id, told.span_id, True, told.trace_flags)
        context = trace.set_span_in_context(trace.NonRecordingSpan(bare))
        return self._tracer.start_as_current_span(name, context)


def batch(collected: Collected, tracer: Any, draw: Random) -> None:
    cases = [pass_on(tracer, headers(draw), draw.random() < 0.5) for _ in range(BATCH)]
    spans = [
        span
        for body in collected.requests()
        for resource in decode(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    require(len(spans) == len(cases), "spans", len(spans))
    for case, span in zip(cases, spans, strict=True):
        require_bytes(case, span)


# ---- Lines ----


def functions(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from functions(each)


def lines(file: str, pattern: str) -> set[int]:
    """The lines of a file's functions whose qualified name ends so."""
    found: set[int] = set()
    text = Path(file).read_text("utf-8")
    classes = re.findall(r"^class (\w+)", text, re.MULTILINE)
    for code in functions(compile(text, file, "exec")):
        name = getattr(code, "co_qualname", code.co_name)  # before CPython 3.11 the last name alone
        short = pattern.rpartition("\\.")[2] if name == code.co_name and name not in classes else pattern
        if re.search(short, name) and name not in classes:
            found |= {line for _, _, line in code.co_lines() if line and line != code.co_firstlineno}
    return found


def fuzz(seconds: float, seed: int, plant: bool = False) -> tuple[int, dict[str, float]]:
    """Cases until the time is over, and the percentage of lines reached of each file that reads headers."""
    logging.disable(logging.CRITICAL)
    wanted = {file: lines(file, pattern) for file, pattern in NAMED.items() if file}
    reached: dict[str, set[int]] = {file: set() for file in wanted}

    def follow(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in reached:
            return None
        reached[frame.f_code.co_filename].add(frame.f_lineno)
        return follow

    draw, end, batches = Random(seed), time.monotonic() + seconds, 0
    with collect() as collected:
        tracer: Any = collected.tracer_provider.get_tracer("fuzz")
        if plant:
            tracer = Forgetful(tracer)
        while time.monotonic() < end or batches < 20:
            sys.settrace(follow if batches < 20 else None)
            batch(collected, tracer, draw)
            sys.settrace(None)
            batches += 1
    shares = {file: 100 * len(wanted[file] & reached[file]) / len(wanted[file]) for file in wanted}
    return batches * BATCH, {"/".join(Path(file).parts[-3:]): share for file, share in shares.items()}
