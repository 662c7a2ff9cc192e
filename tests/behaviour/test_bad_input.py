"""What a span cannot hold: the exact count, one warning that names it, and the rest of the span arrives."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.trace import SpanContext, Status, StatusCode
from scripted import Receiver, Start

from otlp_lite import SpanLimits

TYPES = "not bool, str, bytes, int, float, None, a sequence or a mapping; "
AT = 1_700_000_000_000_000_000


class Raising:
    def __str__(self) -> str:
        raise RuntimeError


class Unreadable(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError


class Clause(NamedTuple):
    """What is done to a span that has an attribute before, and gets another after it."""

    do: Callable[[Any], object]
    said: str
    """The one warning; "": none."""
    arrived: Mapping[str, Any] = {}
    """Beside those two; of an event and a link, where there is one: as `event.key`, `link.key`."""
    dropped: tuple[int, int, int] = (0, 0, 0)
    """Attributes, events, links."""
    below: int = 0
    """Dropped attributes of the event and the link."""
    limits: Mapping[str, int] = {}


def setting(key: Any, value: Any) -> Callable[[Any], object]:
    return lambda span: span.set_attribute(key, value)


def setting_all(pairs: Any) -> Callable[[Any], object]:
    return lambda span: span.set_attributes(pairs)


def event(pairs: Any, **more: Any) -> Callable[[Any], object]:
    return lambda span: span.add_event("event", pairs, **more)


def link(pairs: Any, trace_id: int = 1) -> Callable[[Any], object]:
    return lambda span: span.add_link(SpanContext(trace_id, 2, False), pairs)


OUT = "an integer outside 64 bits"
EMPTY = "attribute key of type str: it is empty; dropped"
NO_KEY = "attribute key of type {}: not a non-empty str; dropped"
NO_TEXT = f"attribute value of type object: {TYPES}it has no text of its own: sent as null"
AS_TEXT = f"attribute value of type Decimal: {TYPES}its str() is taken"
NO_STR = f"attribute value of type Raising: {TYPES}its __str__ raised RuntimeError: sent as null"
NO_MAPPING = "attributes of type int: reading them raised TypeError; dropped"
OF_KEY = "attribute key of type {}: not a str; "
CLAUSES: dict[str, Clause] = {
    # ---- Keys: alone they must be a str; in a mapping they are what str() says, as in API 1.45 ----
    "a key that is no str": Clause(setting(5, 1), NO_KEY.format("int"), dropped=(1, 0, 0)),
    "a key that is None": Clause(setting(None, 1), NO_KEY.format("NoneType"), dropped=(1, 0, 0)),
    "an empty key": Clause(setting("", 1), NO_KEY.format("str"), dropped=(1, 0, 0)),
    "a key in a mapping that is no str": Clause(
        setting_all({5: 1, "in": 2}), f"{OF_KEY.format('int')}its str() is taken", {"5": 1, "in": 2}
    ),
    "a key in a mapping without text": Clause(
        setting_all({object(): 1, "in": 2}),
        f"{OF_KEY.format('object')}it has no text of its own: dropped",
        {"in": 2},
        (1, 0, 0),
    ),
    "a key in a mapping whose text raises": Clause(
        setting_all({Raising(): 1, "in": 2}),
        f"{OF_KEY.format('Raising')}its __str__ raised RuntimeError: dropped",
        {"in": 2},
        (1, 0, 0),
    ),
    "an empty key in a mapping": Clause(setting_all({"": 1, "in": 2}), EMPTY, {"in": 2}, (1, 0, 0)),
    "an empty key in a value": Clause(setting("map", {"": 1, "in": 2}), EMPTY, {"map": {"in": 2}}),
    "an empty key of an event": Clause(event({"": 1, "in": 2}), EMPTY, {"event.in": 2}, below=1),
    "an empty key of a link": Clause(link({"": 1, "in": 2}), EMPTY, {"link.in": 2}, below=1),
    # ---- Values ----
    "a value of another type": Clause(setting("k", Decimal("1.25")), AS_TEXT, {"k": "1.25"}),
    "a value of another type over the limit": Clause(
        setting("k", Decimal("1.25")), AS_TEXT, {"k": "1."}, limits={"max_attribute_length": 2}
    ),
    "values of another type within others": Clause(
        setting_all({"k": [Decimal("1.25"), {"in": Decimal("2.5")}]}), AS_TEXT, {"k": ["1.25", {"in": "2.5"}]}
    ),
    "a value of an event of another type over the limit": Clause(
        event({"k": Decimal("1.25")}), AS_TEXT, {"event.k": "1."}, limits={"max_attribute_length": 2}
    ),
    "a value of a link of another type": Clause(link({"k": Decimal("1.25")}), AS_TEXT, {"link.k": "1.25"}),
    "a value without text": Clause(setting("k", object()), NO_TEXT, {"k": None}),
    "a value whose text raises": Clause(setting("k", Raising()), NO_STR, {"k": None}),
    "a value whose text raises, within others": Clause(
        setting_all({"k": [1, {"in": Raising()}]}), NO_STR, {"k": [1, {"in": None}]}
    ),
    "a value of an event whose text raises": Clause(
        event({"k": Raising(), "in": 2}), NO_STR, {"event.k": None, "event.in": 2}
    ),
    "an integer over 64 bits": Clause(
        setting("k", 1 << 63), f"attribute 'k': {OUT}; dropped", dropped=(1, 0, 0)
    ),
    "an integer over 64 bits within others": Clause(
        setting_all({"k": [1, {"in": 1 << 63}], "kept": 1}),
        f"attribute 'k': {OUT} in it, or more than a region can hold; dropped",
        {"kept": 1},
        (1, 0, 0),
    ),
    "an integer of an event over 64 bits": Clause(
        event({"k": 1 << 63, "in": 2}),
        f"attribute 'k': {OUT}, or more than a region can hold; dropped",
        {"event.in": 2},
        below=1,
    ),
    "attributes that are no mapping": Clause(setting_all(5), NO_MAPPING),
    "attributes that cannot be read": Clause(
        setting_all(Unreadable(k=1)),
        "attributes of type Unreadable: reading them raised RuntimeError; dropped",
        dropped=(1, 0, 0),
    ),
    "attributes of an event that cannot be read": Clause(
        event(Unreadable(k=1)),
        "attributes of type Unreadable: reading them raised RuntimeError; dropped",
        below=1,
    ),
    # ---- More than the limits: counted, and no word of it ----
    "more attributes than the limit": Clause(
        setting_all({"k": 1, "l": 2}), "", {"l": 2}, (2, 0, 0), limits={"max_span_attributes": 2}
    ),
    "more attributes of an event than the limit": Clause(
        event({"k": 1, "l": 2}), "", {"event.l": 2}, below=1, limits={"max_event_attributes": 1}
    ),
    "more events than the limit": Clause(
        lambda span: (span.add_event("event", {"k": 1}), span.add_event("event", {"k": 2})),
        "",
        {"event.k": 2},
        (0, 1, 0),
        limits={"max_events": 1},
    ),
    "more links than the limit": Clause(
        lambda span: (link({"k": 1})(span), link({"k": 2})(span)),
        "",
        {"link.k": 2},
        (0, 0, 1),
        limits={"max_links": 1},
    ),
    # ---- The rest of the API ----
    "a link whose ids are none": Clause(
        link({"k": 1}, 1 << 200), "link: its ids are none; dropped", dropped=(0, 0, 1)
    ),
    "a timestamp that is no time": Clause(
        event({"in": 2}, timestamp="noon"),
        "event timestamp of type str: not a time in ns since 1970; the clock is used",
        {"event.in": 2},
    ),
    "a description beside a Status": Clause(
        lambda span: span.set_status(Status(StatusCode.ERROR, "of it"), "beside it"),
        "set_status: its description is ignored. Use either `Status` or `(StatusCode, Description)`",
    ),
    "an empty name of an event": Clause(lambda span: span.add_event("", {"in": 2}), "", {"event.in": 2}),
}


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return pairs(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)


def pairs(attributes: Any, prefix: str = "") -> dict[str, Any]:
    return {prefix + each.key: plain(each.value) for each in attributes}


def arrived(span: Span) -> dict[str, Any]:
    found = pairs(span.attributes)
    for event in span.events:
        found |= pairs(event.attributes, "event.")
    for link in span.links:
        found |= pairs(link.attributes, "link.")
    return found


def check_said(caplog: pytest.LogCaptureFixture, said: str) -> None:
    records = [(record.name, record.levelno, record.getMessage()) for record in caplog.records]
    assert records == ([("otlp_lite.traces", logging.WARNING, said)] if said else [])


@pytest.mark.parametrize("name", CLAUSES)
def test_the_rest_of_the_span_arrives(start: Start, name: str, caplog: pytest.LogCaptureFixture) -> None:
    clause = CLAUSES[name]
    with Receiver() as receiver:
        telemetry = start(receiver, limits=SpanLimits(**clause.limits))
        tracer = telemetry.tracer_provider.get_tracer("bad input")
        span = tracer.start_span("whole", attributes={"before": 1}, start_time=AT)
        clause.do(span)
        span.set_attribute("after", 2)
        span.end(AT + 1)
        tracer.start_span("next").end()
        assert telemetry.force_flush(5)
        sent, after = receiver.spans()
    assert (sent.name, sent.start_time_unix_nano, sent.end_time_unix_nano) == ("whole", AT, AT + 1)
    full = "max_span_attributes" in clause.limits
    assert arrived(sent) == {**({} if full else {"before": 1}), **clause.arrived, "after": 2}
    counts = (sent.dropped_attributes_count, sent.dropped_events_count, sent.dropped_links_count)
    assert counts == clause.dropped
    below: list[Any] = [*sent.events, *sent.links]
    assert sum(each.dropped_attributes_count for each in below) == clause.below
    assert after.name == "next"
    stats = telemetry.stats().traces
    assert (stats.recorded, stats.exported, dict(stats.dropped)) == (2, 2, {})
    check_said(caplog, clause.said)


@pytest.mark.parametrize(
    ("arguments", "said", "expected"),
    [
        ({"name": ""}, "", {}),
        ({"name": 5}, "", {"name": "5"}),
        (
            {"start_time": "noon"},
            "start_time of type str: not a time in ns since 1970; the clock is used",
            {},
        ),
        ({"attributes": {"": 1, "in": 2}}, EMPTY, {"attributes": {"in": 2}, "dropped": 1}),
        (
            {"attributes": 7},
            NO_MAPPING,
            {},
        ),
    ],
    ids=str,
)
def test_a_span_starts_whatever_it_is_given(
    start: Start,
    arguments: dict[str, Any],
    said: str,
    expected: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        telemetry.tracer_provider.get_tracer("bad input").start_span(**{"name": "", **arguments}).end()
        assert telemetry.force_flush(5)
        (sent,) = receiver.spans()
    assert sent.end_time_unix_nano >= sent.start_time_unix_nano > AT
    found = {"name": sent.name, "attributes": arrived(sent), "dropped": sent.dropped_attributes_count}
    assert found == {"name": "", "attributes": {}, "dropped": 0, **expected}
    check_said(caplog, said)


@pytest.mark.parametrize("name", ["", None])
def test_a_tracer_without_a_name_is_warned_of_and_works(
    start: Start, name: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver() as receiver:
        telemetry = start(receiver)
        for _ in range(2):
            telemetry.tracer_provider.get_tracer(name).start_span("whole").end()
        assert telemetry.force_flush(5)
        assert receiver.names() == ["whole", "whole"]
    check_said(caplog, "get_tracer called with missing module name.")
