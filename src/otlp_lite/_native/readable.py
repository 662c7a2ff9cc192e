"""What a span has recorded, read back from its OTLP bytes: the slow side of a readable span."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Link, SpanContext, format_span_id, format_trace_id


class Event:
    """An event of a span: `name`, `timestamp` in ns since 1970, `attributes`, `dropped_attributes`."""

    __slots__ = ("_attributes", "_name", "_timestamp")

    def __init__(self, name: str, timestamp: int, attributes: BoundedAttributes) -> None:
        self._name = name
        self._timestamp = timestamp
        self._attributes = attributes

    @property
    def name(self) -> str:
        return self._name

    @property
    def timestamp(self) -> int:
        return self._timestamp

    @property
    def attributes(self) -> BoundedAttributes:
        return self._attributes

    @property
    def dropped_attributes(self) -> int:
        return self._attributes.dropped


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, int or bytes), in order."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        size = 8 if wire == 1 else 4
        if wire == 2:
            size, at = _varint(data, at)
        yield tag >> 3, data[at : at + size]
        at += size


def _value(data: bytes) -> Any:
    for number, value in _fields(data):
        match number:
            case 1:
                return value.decode()
            case 2:
                return bool(value)
            case 3:
                return value - (1 << 64) if value >= 1 << 63 else value
            case 4:
                return struct.unpack("<d", value)[0]
            case 5:
                return tuple(_value(item) for _, item in _fields(value))
            case 6:
                return dict(_pair(item) for _, item in _fields(value))
            case 7:
                return value
    return None


def _pair(data: bytes) -> tuple[str, Any]:
    key, value = "", None
    for number, field in _fields(data):
        if number == 1:
            key = field.decode()
        else:
            value = _value(field)
    return key, value


def _bounded(pairs: Sequence[bytes], dropped: int) -> BoundedAttributes:
    bounded = BoundedAttributes(attributes=dict(_pair(pair) for pair in pairs), immutable=True)
    bounded.dropped = dropped
    return bounded


def attributes(messages: Sequence[bytes]) -> Mapping[str, Any]:
    """KeyValue messages as a read-only mapping."""
    return MappingProxyType(dict(_pair(message) for message in messages))


def events(messages: Sequence[bytes]) -> tuple[Event, ...]:
    """Span.Event messages."""
    read = []
    for message in messages:
        name, time, dropped, pairs = "", 0, 0, []
        for number, field in _fields(message):
            match number:
                case 1:
                    time = int.from_bytes(field, "little")
                case 2:
                    name = field.decode()
                case 3:
                    pairs.append(field)
                case 4:
                    dropped = field
        read.append(Event(name, time, _bounded(pairs, dropped)))
    return tuple(read)


def links(messages: Sequence[bytes], contexts: Sequence[SpanContext]) -> tuple[Link, ...]:
    """Span.Link messages; `contexts` are those they were made from, trace state and all."""
    read = []
    for message, context in zip(messages, contexts, strict=True):
        dropped, pairs = 0, []
        for number, field in _fields(message):
            if number == 4:
                pairs.append(field)
            elif number == 5:
                dropped = field
        read.append(Link(context, _bounded(pairs, dropped)))
    return tuple(read)


def _time(ns: int | None) -> str | None:
    if not ns:
        return None
    return datetime.fromtimestamp(ns / 1e9, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _context(context: SpanContext) -> dict[str, str]:
    return {
        "trace_id": f"0x{format_trace_id(context.trace_id)}",
        "span_id": f"0x{format_span_id(context.span_id)}",
        "trace_state": repr(context.trace_state),
    }


def to_json(span: Any, indent: int | None) -> str:
    """The span as the stock SDK's `ReadableSpan.to_json` writes it."""
    status = {"status_code": span.status.status_code.name}
    if span.status.description:
        status["description"] = span.status.description
    return json.dumps(
        {
            "name": span.name,
            "context": _context(span.context),
            "kind": str(span.kind),
            "parent_id": None if span.parent is None else f"0x{format_span_id(span.parent.span_id)}",
            "start_time": _time(span.start_time),
            "end_time": _time(span.end_time),
            "status": status,
            "attributes": dict(span.attributes),
            "events": [
                {"name": each.name, "timestamp": _time(each.timestamp), "attributes": dict(each.attributes)}
                for each in span.events
            ],
            "links": [
                {"context": _context(each.context), "attributes": dict(each.attributes)}
                for each in span.links
            ],
            "resource": json.loads(span.resource.to_json()),
        },
        indent=indent,
    )
