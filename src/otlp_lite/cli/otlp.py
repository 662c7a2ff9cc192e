"""A strict decoder of OTLP trace requests (protobuf), in plain Python and without a protobuf package.

Field numbers are those of opentelemetry-proto 1.x; the wire rules are proto3's: fields in any order, the last
scalar wins, a message given twice is merged, a field of another wire type is an unknown field, unknown fields
(groups included) are skipped but must be well formed. Lengths may be padded to 5 bytes, other varints to 10.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_MESSAGES = 500_000
"""Messages in one request, by default: an empty one is 2 bytes on the wire, and 100 times that here."""

MAX_DEPTH = 100
"""How deep messages and groups may nest below the request; protobuf's own libraries have the same limit."""


class DecodeError(ValueError):
    """The bytes are not an OTLP trace request; the message says where and why."""


class TooManyMessages(DecodeError):
    """Well formed so far, but with more (sub)messages than the caller allows."""


@dataclass(slots=True)
class StringIndex:
    index: int


@dataclass(slots=True)
class AnyValue:
    """`value` is None when the sender set no kind of value."""

    value: str | bool | int | float | bytes | ArrayValue | KeyValueList | StringIndex | None = None


@dataclass(slots=True)
class ArrayValue:
    values: list[AnyValue] = field(default_factory=list)


@dataclass(slots=True)
class KeyValueList:
    values: list[KeyValue] = field(default_factory=list)


@dataclass(slots=True)
class KeyValue:
    key: str = ""
    value: AnyValue = field(default_factory=AnyValue)
    key_strindex: int = 0


@dataclass(slots=True)
class EntityRef:
    schema_url: str = ""
    type: str = ""
    id_keys: list[str] = field(default_factory=list)
    description_keys: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Resource:
    attributes: list[KeyValue] = field(default_factory=list)
    dropped_attributes_count: int = 0
    entity_refs: list[EntityRef] = field(default_factory=list)


@dataclass(slots=True)
class InstrumentationScope:
    name: str = ""
    version: str = ""
    attributes: list[KeyValue] = field(default_factory=list)
    dropped_attributes_count: int = 0


@dataclass(slots=True)
class Status:
    message: str = ""
    code: int = 0


@dataclass(slots=True)
class Event:
    time_unix_nano: int = 0
    name: str = ""
    attributes: list[KeyValue] = field(default_factory=list)
    dropped_attributes_count: int = 0


@dataclass(slots=True)
class Link:
    trace_id: bytes = b""
    span_id: bytes = b""
    trace_state: str = ""
    attributes: list[KeyValue] = field(default_factory=list)
    dropped_attributes_count: int = 0
    flags: int = 0


@dataclass(slots=True)
class Span:
    trace_id: bytes = b""
    span_id: bytes = b""
    trace_state: str = ""
    parent_span_id: bytes = b""
    flags: int = 0
    name: str = ""
    kind: int = 0
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: list[KeyValue] = field(default_factory=list)
    dropped_attributes_count: int = 0
    events: list[Event] = field(default_factory=list)
    dropped_events_count: int = 0
    links: list[Link] = field(default_factory=list)
    dropped_links_count: int = 0
    status: Status = field(default_factory=Status)


@dataclass(slots=True)
class ScopeSpans:
    scope: InstrumentationScope = field(default_factory=InstrumentationScope)
    spans: list[Span] = field(default_factory=list)
    schema_url: str = ""


@dataclass(slots=True)
class ResourceSpans:
    resource: Resource = field(default_factory=Resource)
    scope_spans: list[ScopeSpans] = field(default_factory=list)
    schema_url: str = ""


@dataclass(slots=True)
class TracesRequest:
    resource_spans: list[ResourceSpans] = field(default_factory=list)


def decode(data: bytes, max_messages: int = MAX_MESSAGES) -> TracesRequest:
    """The ExportTraceServiceRequest in `data`; raises DecodeError."""
    request = TracesRequest()
    _Decoder(data, max_messages).merge(request, 0, len(data), 0)
    return request


VARINT, I64, LEN, GROUP, END_GROUP, I32 = range(6)


def _int64(raw: int) -> int:
    return raw - (1 << 64) if raw >> 63 else raw


def _int32(raw: int) -> int:
    raw &= 0xFFFFFFFF
    return raw - (1 << 32) if raw >> 31 else raw


def _double(raw: int) -> float:
    value: float = struct.unpack("<d", raw.to_bytes(8, "little"))[0]
    return value


class _Kind(NamedTuple):
    """A scalar: its wire type and what its raw integer (or, for LEN, its bytes) stands for."""

    wire: int
    from_int: Callable[[int], object] = int
    from_bytes: Callable[[bytes], object] = bytes


_INT32 = _Kind(VARINT, _int32)
_INT64 = _Kind(VARINT, _int64)
_UINT32 = _Kind(VARINT, lambda raw: raw & 0xFFFFFFFF)
_BOOL = _Kind(VARINT, bool)
_FIXED64 = _Kind(I64)
_FIXED32 = _Kind(I32)
_DOUBLE = _Kind(I64, _double)
_BYTES = _Kind(LEN)
_STRING = _Kind(LEN, from_bytes=bytes.decode)
_STRING_INDEX = _Kind(VARINT, lambda raw: StringIndex(_int32(raw)))


class _Field(NamedTuple):
    name: str
    kind: _Kind
    message: type | None
    repeated: bool


def _fields(*rows: tuple[int, str, _Kind | type]) -> dict[int, _Field]:
    """Fields by tag, so that a wire type other than the field's own is not found: an unknown field."""
    table = {}
    for number, name, kind in rows:
        scalar, message = (kind, None) if isinstance(kind, _Kind) else (_BYTES, kind)
        table[number << 3 | scalar.wire] = _Field(name.rstrip("*"), scalar, message, name.endswith("*"))
    return table


# A name with a star is repeated; the kinds of AnyValue's oneof share one name, so that the last one wins.
_TABLES: dict[type, dict[int, _Field]] = {
    TracesRequest: _fields((1, "resource_spans*", ResourceSpans)),
    ResourceSpans: _fields(
        (1, "resource", Resource), (2, "scope_spans*", ScopeSpans), (3, "schema_url", _STRING),
    ),
    Resource: _fields(
        (1, "attributes*", KeyValue), (2, "dropped_attributes_count", _UINT32),
        (3, "entity_refs*", EntityRef),
    ),
    EntityRef: _fields(
        (1, "schema_url", _STRING), (2, "type", _STRING), (3, "id_keys*", _STRING),
        (4, "description_keys*", _STRING),
    ),
    ScopeSpans: _fields((1, "scope", InstrumentationScope), (2, "spans*", Span), (3, "schema_url", _STRING)),
    InstrumentationScope: _fields(
        (1, "name", _STRING), (2, "version", _STRING),
        (3, "attributes*", KeyValue), (4, "dropped_attributes_count", _UINT32),
    ),
    Span: _fields(
        (1, "trace_id", _BYTES), (2, "span_id", _BYTES), (3, "trace_state", _STRING),
        (4, "parent_span_id", _BYTES), (5, "name", _STRING), (6, "kind", _INT32),
        (7, "start_time_unix_nano", _FIXED64), (8, "end_time_unix_nano", _FIXED64),
        (9, "attributes*", KeyValue), (10, "dropped_attributes_count", _UINT32),
        (11, "events*", Event), (12, "dropped_events_count", _UINT32),
        (13, "links*", Link), (14, "dropped_links_count", _UINT32),
        (15, "status", Status), (16, "flags", _FIXED32),
    ),
    Event: _fields(
        (1, "time_unix_nano", _FIXED64), (2, "name", _STRING), (3, "attributes*", KeyValue),
        (4, "dropped_attributes_count", _UINT32),
    ),
    Link: _fields(
        (1, "trace_id", _BYTES), (2, "span_id", _BYTES), (3, "trace_state", _STRING),
        (4, "attributes*", KeyValue), (5, "dropped_attributes_count", _UINT32), (6, "flags", _FIXED32),
    ),
    Status: _fields((2, "message", _STRING), (3, "code", _INT32)),
    KeyValue: _fields((1, "key", _STRING), (2, "value", AnyValue), (3, "key_strindex", _INT32)),
    AnyValue: _fields(
        (1, "value", _STRING), (2, "value", _BOOL), (3, "value", _INT64), (4, "value", _DOUBLE),
        (5, "value", ArrayValue), (6, "value", KeyValueList), (7, "value", _BYTES),
        (8, "value", _STRING_INDEX),
    ),
    ArrayValue: _fields((1, "values*", AnyValue)),
    KeyValueList: _fields((1, "values*", KeyValue)),
}  # fmt: skip


class _Decoder:
    def __init__(self, data: bytes, max_messages: int) -> None:
        self.data = data
        self.messages_left = max_messages

    def merge(self, message: object, pos: int, end: int, depth: int) -> None:
        """Reads data[pos:end] into `message`, on top of what it holds already."""
        if depth > MAX_DEPTH:
            raise DecodeError(f"byte {pos}: messages nest deeper than {MAX_DEPTH}")
        table = _TABLES[type(message)]
        while pos < end:
            tag, start = self.varint(pos, end, 5)
            known = table.get(tag)
            if known is None:
                pos = self.skip(tag, start, end, depth)
                continue
            name, kind, submessage, repeated = known
            value: object
            if kind.wire == LEN:
                start, pos = self.span_of_length(start, end)
                if submessage is not None:
                    value = self.submessage(message, known, submessage)
                    self.merge(value, start, pos, depth + 1)
                    continue
                try:
                    value = kind.from_bytes(self.data[start:pos])
                except UnicodeDecodeError:
                    where = f"{type(message).__name__}.{name}"
                    raise DecodeError(f"byte {start}: {where} is not UTF-8") from None
            else:
                raw, pos = self.number(kind.wire, start, end)
                value = kind.from_int(raw)
            if repeated:
                getattr(message, name).append(value)
            else:
                setattr(message, name, value)

    def submessage(self, message: object, known: _Field, submessage: type) -> object:
        """A new element, or for a singular field the message that is there already."""
        self.messages_left -= 1
        if self.messages_left < 0:
            raise TooManyMessages("more messages in one request than are taken")
        current: object = getattr(message, known.name)
        if known.repeated:
            value: object = submessage()
            assert isinstance(current, list)
            current.append(value)
            return value
        if type(current) is not submessage:
            current = submessage()
            setattr(message, known.name, current)
        return current

    def varint(self, pos: int, end: int, longest: int) -> tuple[int, int]:
        if pos < end and self.data[pos] < 0x80:
            return self.data[pos], pos + 1
        value = 0
        for index, byte in enumerate(self.data[pos : min(end, pos + longest)]):
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                if longest == 5 and value >> 32:
                    raise DecodeError(f"byte {pos}: a tag or length is too large")
                return value & 0xFFFFFFFFFFFFFFFF, pos + index + 1
        if end - pos < longest:
            raise DecodeError(f"byte {pos}: a varint is cut off")
        raise DecodeError(f"byte {pos}: a varint is longer than {longest} bytes")

    def span_of_length(self, pos: int, end: int) -> tuple[int, int]:
        length, start = self.varint(pos, end, 5)
        if length > end - start:
            raise DecodeError(f"byte {pos}: a length of {length}, but {end - start} bytes are left")
        return start, start + length

    def number(self, wire: int, pos: int, end: int) -> tuple[int, int]:
        if wire == VARINT:
            return self.varint(pos, end, 10)
        after = pos + (8 if wire == I64 else 4)
        if after > end:
            raise DecodeError(f"byte {pos}: a fixed-size number is cut off")
        return int.from_bytes(self.data[pos:after], "little"), after

    def skip(self, tag: int, pos: int, end: int, depth: int) -> int:
        """Where the unknown field that began with `tag` ends."""
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise DecodeError(f"byte {pos}: field number 0")
        if wire in (VARINT, I64, I32):
            return self.number(wire, pos, end)[1]
        if wire == LEN:
            return self.span_of_length(pos, end)[1]
        if wire != GROUP:
            raise DecodeError(f"byte {pos}: wire type {wire} out of place")
        if depth >= MAX_DEPTH:
            raise DecodeError(f"byte {pos}: groups nest deeper than {MAX_DEPTH}")
        while True:
            inner, pos = self.varint(pos, end, 5)
            if inner == number << 3 | END_GROUP:
                return pos
            pos = self.skip(inner, pos, end, depth + 1)
