"""Counts the spans of an OTLP export request by walking protobuf lengths, without decoding a span."""

from __future__ import annotations

from collections.abc import Iterator

Body = bytes | bytearray

# ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans, ScopeSpans.spans.
_PATH = (1, 2, 2)
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def count_spans(body: Body) -> int:
    """The number of spans in a serialized ExportTraceServiceRequest; ValueError if it is not one."""
    resources, scopes, spans = _PATH
    return sum(
        1
        for resource_start, resource_end in _messages(body, 0, len(body), resources)
        for scope_start, scope_end in _messages(body, resource_start, resource_end, scopes)
        for _ in _messages(body, scope_start, scope_end, spans)
    )


def _messages(body: Body, at: int, end: int, field: int) -> Iterator[tuple[int, int]]:
    """Where the submessages of one field of the message body[at:end] start and end."""
    wanted = field << 3 | _LENGTH
    while at < end:
        tag, at = _varint(body, at, end)
        kind = tag & 7
        if kind == _LENGTH:
            length, at = _varint(body, at, end)
            if at + length > end:
                raise ValueError(
                    f"a field of {length} bytes runs past its message's end, {end - at} bytes on"
                )
            if tag == wanted:
                yield at, at + length
            at += length
        elif kind == _VARINT:
            at = _varint(body, at, end)[1]
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
    if at != end:
        raise ValueError(f"a field runs past its message's end at byte {end}")


def _varint(body: Body, at: int, end: int) -> tuple[int, int]:
    """The number at body[at:], its length padded or not, and where the next field starts."""
    value = shift = 0
    while at < end:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a varint of over 10 bytes before byte {at}")
    raise ValueError(f"a varint runs past its message's end at byte {end}")
