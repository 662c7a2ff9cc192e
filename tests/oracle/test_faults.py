"""The oracle is shown planted faults, in what is exported and in how a tracer behaves, and reports each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span
from opentelemetry.trace import SpanContext, StatusCode
from reference import encoder, tracer

from . import values
from .calls import AddEvent, AddLink, End, LinkTo, Outside, Program, Scope, SetAttributes, SetStatus, Start
from .compare import difference
from .departures import DEPARTURES, Departure, depart, probe
from .ledger import CLASSES, LEAST, Ledger
from .sdks import reference, stock
from .targeted import FAMILIES
from .test_oracle import check, stale

SOME = {
    "text": "some \ud800",
    "integer": 1,
    "double": -0.0,
    "null": None,
    "array": [1, 2],
    "kvlist": {"a": 1, "b": 2},
}

RICH = Program(
    (
        Start("first", 10, parent=Outside(1, 2, state=(("k", "v"),)), links=(LinkTo(Outside(3, 4), SOME),)),
        AddLink(0, LinkTo(Outside(5, 6, remote=False))),
        SetAttributes(0, SOME),
        AddEvent(0, "event", 11, SOME),
        AddEvent(0, "other", 12),
        SetStatus(0, StatusCode.ERROR, "described"),
        End(0, 13),
        Start("second", 14, parent=0),
        End(1, 15),
        Start("third", 16, scope=1),
        End(2, 17),
    ),
    (Scope("scope", "1", "https://schema", SOME), Scope("other")),
)


def swap(sequence: Any, one: int = 0, other: int = 1) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in sequence]
    copies[one], copies[other] = copies[other], copies[one]
    del sequence[:]
    sequence.extend(copies)


def scope(request: ExportTraceServiceRequest) -> ScopeSpans:
    return request.resource_spans[0].scope_spans[0]


def add_to(field: str, what: int | str = 1) -> Callable[[Any], None]:
    return lambda message: setattr(message, field, getattr(message, field) + what)


SPAN_FAULTS: dict[str, Callable[[Span], object]] = {
    "an attribute too few": lambda span: span.attributes.pop(),
    "an attribute twice": lambda span: span.attributes.append(span.attributes[0]),
    "attributes out of order": lambda span: swap(span.attributes),
    "attributes of an event out of order": lambda span: swap(span.events[0].attributes),
    "attributes of a link out of order": lambda span: swap(span.links[0].attributes),
    "an integer as a double": lambda span: setattr(span.attributes[1].value, "double_value", 1.0),
    "an integer as a bool": lambda span: setattr(span.attributes[1].value, "bool_value", True),
    "a zero without its sign": lambda span: setattr(span.attributes[2].value, "double_value", 0.0),
    "no value where it is null": lambda span: span.attributes[3].ClearField("value"),
    "a question mark for a surrogate": lambda span: setattr(
        span.attributes[0].value, "string_value", "some ?"
    ),
    "elements of an array out of order": lambda span: swap(span.attributes[4].value.array_value.values),
    "members of a kvlist out of order": lambda span: swap(span.attributes[5].value.kvlist_value.values),
    "a dropped attribute": add_to("dropped_attributes_count"),
    "a dropped event": add_to("dropped_events_count"),
    "a dropped link": add_to("dropped_links_count"),
    "a dropped attribute of an event": lambda span: add_to("dropped_attributes_count")(span.events[0]),
    "a dropped attribute of a link": lambda span: add_to("dropped_attributes_count")(span.links[0]),
    "another start": add_to("start_time_unix_nano"),
    "another end": add_to("end_time_unix_nano", -1),
    "another time of an event": lambda span: add_to("time_unix_nano")(span.events[0]),
    "events out of order": lambda span: swap(span.events),
    "links out of order": lambda span: swap(span.links),
    "a parent that is not remote": add_to("flags", -0x200),
    "a link that is not remote": lambda span: add_to("flags", -0x200)(span.links[0]),
    "another name": add_to("name", " "),
    "another kind": add_to("kind"),
    "no trace state": lambda span: span.ClearField("trace_state"),
    "no parent": lambda span: span.ClearField("parent_span_id"),
    "another trace": lambda span: setattr(span, "trace_id", bytes(16)),
    "another span id": lambda span: setattr(span, "span_id", bytes(8)),
    "no status": lambda span: span.ClearField("status"),
    "a status that is not described": lambda span: span.status.ClearField("message"),
    "a field nobody knows": lambda span: span.MergeFromString(b"\xf8\x07\x01"),
}


def in_first_span(fault: Callable[[Span], object]) -> Callable[[ExportTraceServiceRequest], object]:
    return lambda request: fault(scope(request).spans[0])


REQUEST_FAULTS: dict[str, Callable[[ExportTraceServiceRequest], object]] = {
    "a span lost": lambda request: scope(request).spans.pop(),
    "a span twice": lambda request: scope(request).spans.append(scope(request).spans[0]),
    "spans of a scope out of order": lambda request: swap(scope(request).spans),
    "a span in another scope": lambda request: (
        request.resource_spans[0].scope_spans[1].spans.append(scope(request).spans.pop())
    ),
    "a scope of no spans": lambda request: scope(request).ClearField("spans"),
    "another name of a scope": lambda request: add_to("name", "s")(scope(request).scope),
    "another version of a scope": lambda request: add_to("version", "s")(scope(request).scope),
    "another schema of a scope": lambda request: add_to("schema_url", "s")(scope(request)),
    "attributes of a scope out of order": lambda request: swap(scope(request).scope.attributes),
    "no scope": lambda request: request.resource_spans[0].scope_spans[1].ClearField("scope"),
    "attributes of the resource out of order": lambda request: swap(
        request.resource_spans[0].resource.attributes
    ),
    "a schema of the resource": lambda request: add_to("schema_url", "s")(request.resource_spans[0]),
    "the resource lost": lambda request: request.resource_spans[0].ClearField("resource"),
    "a field nobody knows": lambda request: request.MergeFromString(b"\xf8\x07\x01"),
    "everything lost": lambda request: request.Clear(),
    **{f"span: {name}": in_first_span(fault) for name, fault in SPAN_FAULTS.items()},
}


@pytest.mark.parametrize("fault", REQUEST_FAULTS)
def test_reference_export_with_fault_differs(fault: str) -> None:
    expected = stock(depart(RICH))
    actual = reference(RICH)
    assert not difference(expected, actual)
    REQUEST_FAULTS[fault](actual[0])
    assert difference(expected, actual)
    assert difference(actual, expected)


class LateCopies(tracer.Span):
    """Keeps what it is given, and looks at it when it ends."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.kept: list[Any] = []

    def set_attributes(self, attributes: Any) -> None:
        self.kept.append(attributes)

    def end(self, end_time: int | None = None) -> None:
        for attributes in self.kept:
            super().set_attributes(attributes)
        super().end(end_time)


def drop_newest(self: tracer.AttributeMap, key: str, value: encoder.Value) -> None:
    self.entries.pop(key, None)
    self.entries[key] = value
    if self.count.exceeded_by(len(self.entries)):
        del self.entries[key]
        self.drop(1)


def keep_place(self: tracer.AttributeMap, key: str, value: encoder.Value) -> None:
    if key not in self.entries and self.count.exceeded_by(len(self.entries) + 1):
        del self.entries[next(iter(self.entries))]
        self.drop(1)
    self.entries[key] = value


def uncounted(self: tracer.AttributeMap, count: int) -> None:
    self.note(f"limit {self.count.setting}")


def one_more(self: tracer.Limit, size: int) -> bool:
    return self.value is not None and size > self.value + 1


def never_remote(context: SpanContext | None) -> int:
    return 0x100


def always_text(value: object) -> bool:
    return True


def question_marks(string: str) -> str:
    return string.encode(errors="replace").decode()


def any_status(self: tracer.Span, status: Any, description: str | None = None) -> None:
    code = status if isinstance(status, StatusCode) else status.status_code
    if not self.ended:
        self.status = encoder.Status(code.value, tracer.text(description or ""))


def any_link(self: tracer.Span, context: SpanContext, attributes: Any, note: str) -> None:
    if context.is_valid:
        unpatched_link(self, context, attributes, note)


unpatched_link = tracer.Span.link

TRACER_FAULTS: dict[str, tuple[object, str, object]] = {
    "the newest attribute makes room": (tracer.AttributeMap, "put", drop_newest),
    "an attribute set again keeps its place": (tracer.AttributeMap, "put", keep_place),
    "what limits drop is not counted": (tracer.AttributeMap, "drop", uncounted),
    "limits are one too high": (tracer.Limit, "exceeded_by", one_more),
    "a parent is never remote": (tracer, "remote_flags", never_remote),
    "an object without text has one": (tracer, "has_text", always_text),
    "surrogates become question marks": (tracer, "text", question_marks),
    "every status counts": (tracer.Span, "set_status", any_status),
    "a link to nothing is never kept": (tracer.Span, "link", any_link),
    "attributes are read late": (tracer, "Span", LateCopies),
}


@pytest.mark.parametrize("fault", TRACER_FAULTS)
def test_reference_tracer_with_fault_differs(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both that are ours share the fault; the peer shows it."""
    programs = [program for family in FAMILIES.values() for program in family(0)]
    monkeypatch.setattr(*TRACER_FAULTS[fault])
    seen = []
    for program in programs:
        try:
            check("reference", program)
        except AssertionError:
            seen.append(program)
    assert seen


def test_reference_departure_that_has_gone_is_seen() -> None:
    gone = probe(attributes={"k": values.Plain()})
    row = Departure(
        "gone", "nothing differs", probes=(DEPARTURES[0].probes[0], gone), text=DEPARTURES[0].text
    )
    others = tuple(departure for departure in DEPARTURES if departure.name != "lone surrogate")
    assert stale(row, "reference", others) == [gone]


@pytest.mark.parametrize("name", [CLASSES[0], CLASSES[-1]])
def test_reference_class_that_is_not_exercised_is_seen(name: str) -> None:
    ledger = Ledger()
    ledger.enter([], Counter({other: LEAST - (other == name) for other in CLASSES}))
    assert ledger.missing() == {name: LEAST - 1}
