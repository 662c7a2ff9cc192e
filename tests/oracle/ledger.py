"""What the oracle has exercised: named classes, counted in what was really exported and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

from .sdks import Requests
from .values import EDGES, WIDTHS, width_of

LEAST = 50
CHUNK = 16 * 1024

CLASSES = (
    *(
        f"attribute {kind}"
        for kind in ("null", "bool", "int", "double", "string", "bytes", "array", "kvlist")
    ),
    *(
        f"attribute {kind}"
        for kind in ("empty array", "empty kvlist", "mixed array", "nested 3 deep", "nested 30 deep")
    ),
    *(f"attribute of {place}" for place in ("span", "event", "link", "scope", "resource")),
    *(f"unsupported as {what}" for what in ("text", "null")),
    *(f"string {width} {length}" for width in WIDTHS for length in EDGES),
    *(
        f"surrogate in {place}"
        for place in ("value", "nested value", "key", "span name", "event name", "status", "scope")
    ),
    *(
        f"limit max_{what}"
        for what in ("attributes", "span_attributes", "event_attributes", "link_attributes")
    ),
    *(f"limit max_{what}" for what in ("events", "links", "attribute_length", "span_attribute_length")),
    *(f"limit default {what}" for what in ("span attributes", "event attributes", "link attributes")),
    *(f"limit default {what}" for what in ("events", "links")),
    *(
        f"dropped {what}"
        for what in ("span attributes", "event attributes", "link attributes", "events", "links")
    ),
    *(f"kind {kind}" for kind in Span.SpanKind.keys()[1:]),
    *(f"status {status}" for status in ("unset", "ok", "error", "error with description")),
    *(f"parent {which}" for which in ("none", "local", "remote", "remote with trace state")),
    *("event", "exception", "link at start", "link after start", "link to local", "link to remote"),
    *("__str__ raises", "integer beyond 64 bits", "nested too deep", "record larger than a chunk"),
)


class Ledger:
    """Counts for one SDK; only what was compared and found equal is entered."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()

    def enter(self, requests: Requests, notes: Counter[str]) -> None:
        self.hits.update(notes)
        for request in requests:
            for resource_spans in request.resource_spans:
                self.hits.update(_attributes("resource", resource_spans.resource.attributes))
                for scope_spans in resource_spans.scope_spans:
                    self.hits.update(_scope(scope_spans))
                    for span in scope_spans.spans:
                        self.hits.update(_span(span))

    def missing(self, classes: Iterable[str] = CLASSES) -> dict[str, int]:
        """The classes hit less often than LEAST times, with their counts."""
        return {name: self.hits[name] for name in classes if self.hits[name] < LEAST}

    def table(self) -> str:
        return "".join(f"{self.hits[name]:8} {name}\n" for name in CLASSES)


def _string(text: str, place: str) -> Iterator[str]:
    if text:
        yield f"string {width_of(text)} {len(text)}"
    if "\ufffd" in text:
        yield f"surrogate in {place}"


def _scope(scope_spans: ScopeSpans) -> Iterator[str]:
    scope = scope_spans.scope
    for text in (scope.name, scope.version, scope_spans.schema_url):
        yield from _string(text, "scope")
    yield from _attributes("scope", scope.attributes)


def _span(span: Span) -> Iterator[str]:
    yield f"kind {Span.SpanKind.Name(span.kind)}"
    yield f"status {('unset', 'ok', 'error')[span.status.code]}" + " with description" * bool(
        span.status.message
    )
    yield f"parent {_parent(span)}"
    yield from _string(span.name, "span name")
    yield from _string(span.status.message, "status")
    yield from _attributes("span", span.attributes, span.dropped_attributes_count)
    for event in span.events:
        yield "exception" if event.name == "exception" else "event"
        yield from _string(event.name, "event name")
        yield from _attributes("event", event.attributes, event.dropped_attributes_count)
    for link in span.links:
        yield "link to remote" if link.flags & 0x200 else "link to local"
        yield from _attributes("link", link.attributes, link.dropped_attributes_count)
    if span.dropped_events_count:
        yield "dropped events"
    if span.dropped_links_count:
        yield "dropped links"
    if span.ByteSize() > CHUNK:
        yield "record larger than a chunk"


def _parent(span: Span) -> str:
    if not span.parent_span_id:
        return "none"
    if not span.flags & 0x200:
        return "local"
    return "remote with trace state" if span.trace_state else "remote"


def _attributes(place: str, attributes: Sequence[KeyValue], dropped: int = 0) -> Iterator[str]:
    if dropped:
        yield f"dropped {place} attributes"
    for attribute in attributes:
        yield f"attribute of {place}"
        yield from _string(attribute.key, "key")
        yield from _value(attribute.value, "value")
        depth = _depth(attribute.value)
        yield from (f"attribute nested {deep} deep" for deep in (3, 30) if depth >= deep)


def _value(value: AnyValue, place: str) -> Iterator[str]:
    kind = value.WhichOneof("value")
    yield f"attribute {kind.removesuffix('_value') if kind else 'null'}"
    if kind == "string_value":
        yield from _string(value.string_value, place)
    elif kind == "array_value":
        kinds = {element.WhichOneof("value") for element in value.array_value.values}
        if len(kinds) != 1:
            yield "attribute mixed array" if kinds else "attribute empty array"
        for element in value.array_value.values:
            yield from _value(element, "nested value")
    elif kind == "kvlist_value":
        if not value.kvlist_value.values:
            yield "attribute empty kvlist"
        for member in value.kvlist_value.values:
            yield from _string(member.key, "key")
            yield from _value(member.value, "nested value")


def _depth(value: AnyValue) -> int:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return 1 + max(map(_depth, value.array_value.values), default=0)
    if kind == "kvlist_value":
        return 1 + max((_depth(member.value) for member in value.kvlist_value.values), default=0)
    return 0
