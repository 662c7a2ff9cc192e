"""A slow, obvious encoder of OTLP trace requests, written from opentelemetry-proto's .proto files."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Union

Value = Union[None, bool, int, float, str, bytes, "tuple[Value, ...]", "Mapping[str, Value]"]
"""An attribute's value: a tuple is an ArrayValue, a mapping a KeyValueList, None an AnyValue of no kind."""

Attributes = Mapping[str, Value]


@dataclass
class Status:
    code: int = 0
    message: str = ""


@dataclass
class Event:
    name: str
    time: int
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass
class Link:
    trace_id: bytes
    span_id: bytes
    flags: int
    trace_state: str = ""
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass
class Span:
    """`kind` is the number on the wire (1 is internal); times are nanoseconds since 1970."""

    trace_id: bytes
    span_id: bytes
    name: str
    kind: int
    start: int
    end: int
    flags: int
    trace_state: str = ""
    parent_span_id: bytes = b""
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0
    events: list[Event] = field(default_factory=list)
    dropped_events: int = 0
    links: list[Link] = field(default_factory=list)
    dropped_links: int = 0
    status: Status = field(default_factory=Status)


@dataclass
class ScopeSpans:
    name: str
    version: str = ""
    schema_url: str = ""
    attributes: Attributes = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)


@dataclass
class Request:
    """An ExportTraceServiceRequest of one resource, or an empty one where nothing was recorded."""

    resource: Attributes = field(default_factory=dict)
    scopes: list[ScopeSpans] = field(default_factory=list)


def encode(request: Request, *, canonical: bool = True, width: int = 4) -> bytes:
    """The request's bytes.

    Canonical lengths are minimal. Otherwise the length of each message within the request takes at least
    `width` bytes (1 to 4), as an encoder writes it that leaves room for a length it does not know yet. A
    scalar field of the default value is left out; a message field is always there, even if empty.
    """
    if not 1 <= width <= 4:
        raise ValueError(f"a length takes 1 to 4 bytes here, not {width}")
    return _Encoder(1 if canonical else width).request(request)


def varint(number: int, width: int = 1) -> bytes:
    """`number` in groups of 7 bits, low ones first, in at least `width` bytes."""
    out = bytearray()
    while number >= 0x80 or len(out) + 1 < width:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5


def _tag(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def _uint(number: int, value: int) -> bytes:
    return _tag(number, _VARINT) + varint(value) if value else b""


def _fixed64(number: int, value: int) -> bytes:
    return _tag(number, _I64) + struct.pack("<Q", value) if value else b""


def _fixed32(number: int, value: int) -> bytes:
    return _tag(number, _I32) + struct.pack("<I", value) if value else b""


def _set_bytes(number: int, value: bytes) -> bytes:
    """A member of a oneof: it is there even if empty."""
    return _tag(number, _LEN) + varint(len(value)) + value


def _bytes(number: int, value: bytes) -> bytes:
    return _set_bytes(number, value) if value else b""


def _string(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


class _Encoder:
    def __init__(self, width: int) -> None:
        self.width = width

    def message(self, number: int, *fields: bytes) -> bytes:
        body = b"".join(fields)
        return _tag(number, _LEN) + varint(len(body), self.width) + body

    def request(self, request: Request) -> bytes:
        if not request.scopes:
            return b""
        return self.message(
            1,  # resource_spans
            self.message(1, self.attributes(1, request.resource)),
            *(self.scope_spans(scope) for scope in request.scopes),
        )

    def scope_spans(self, scope: ScopeSpans) -> bytes:
        return self.message(
            2,
            self.message(
                1, _string(1, scope.name), _string(2, scope.version), self.attributes(3, scope.attributes)
            ),
            *(self.span(span) for span in scope.spans),
            _string(3, scope.schema_url),
        )

    def span(self, span: Span) -> bytes:
        return self.message(
            2,
            _bytes(1, span.trace_id),
            _bytes(2, span.span_id),
            _string(3, span.trace_state),
            _bytes(4, span.parent_span_id),
            _string(5, span.name),
            _uint(6, span.kind),
            _fixed64(7, span.start),
            _fixed64(8, span.end),
            self.attributes(9, span.attributes),
            _uint(10, span.dropped_attributes),
            *(self.event(event) for event in span.events),
            _uint(12, span.dropped_events),
            *(self.link(link) for link in span.links),
            _uint(14, span.dropped_links),
            self.message(15, _string(2, span.status.message), _uint(3, span.status.code)),
            _fixed32(16, span.flags),
        )

    def event(self, event: Event) -> bytes:
        return self.message(
            11,
            _fixed64(1, event.time),
            _string(2, event.name),
            self.attributes(3, event.attributes),
            _uint(4, event.dropped_attributes),
        )

    def link(self, link: Link) -> bytes:
        return self.message(
            13,
            _bytes(1, link.trace_id),
            _bytes(2, link.span_id),
            _string(3, link.trace_state),
            self.attributes(4, link.attributes),
            _uint(5, link.dropped_attributes),
            _fixed32(6, link.flags),
        )

    def attributes(self, number: int, attributes: Attributes) -> bytes:
        return b"".join(
            self.message(number, _string(1, key), self.message(2, self.value(value)))
            for key, value in attributes.items()
        )

    def value(self, value: Value) -> bytes:
        """The fields of an AnyValue, all members of one oneof."""
        if value is None:
            return b""
        if isinstance(value, str):
            return _set_bytes(1, value.encode())
        if isinstance(value, bool):
            return _tag(2, _VARINT) + varint(value)
        if isinstance(value, int):
            return _tag(3, _VARINT) + varint(value & 0xFFFFFFFFFFFFFFFF)
        if isinstance(value, float):
            return _tag(4, _I64) + struct.pack("<d", value)
        if isinstance(value, bytes):
            return _set_bytes(7, value)
        if isinstance(value, Mapping):
            return self.message(6, self.attributes(1, value))
        return self.message(5, self.array(value))

    def array(self, values: Iterable[Value]) -> bytes:
        return b"".join(self.message(1, self.value(value)) for value in values)
