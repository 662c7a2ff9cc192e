"""Equality of exports, nothing normalised but the cut into requests: each scope's spans in their order."""

from __future__ import annotations

import difflib

from google.protobuf import text_format
from google.protobuf.message import Message
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from .sdks import Requests

Export = dict[tuple[bytes, bytes], list[bytes]]
"""Spans in order, by what is sent about their resource and scope; each message as `wire` has it."""


def wire(message: Message) -> bytes:
    """A decoded message, encoded anew: equal exactly if all fields, their order and their bits are equal."""
    return message.SerializeToString(deterministic=True)


def exported(requests: Requests) -> Export:
    """The spans of all requests; a field that protobuf does not know, at any level, stays a difference."""
    export: Export = {}
    for request in requests:
        for resource_spans in request.resource_spans:
            resource = _without(resource_spans, "scope_spans")
            for scope_spans in resource_spans.scope_spans:
                scope = _without(scope_spans, "spans")
                export.setdefault((resource, scope), []).extend(map(wire, scope_spans.spans))
        if rest := _without(request, "resource_spans"):
            export[rest, b""] = []
    return export


def _without(message: Message, field: str) -> bytes:
    rest = type(message)()
    rest.CopyFrom(message)
    rest.ClearField(field)
    return wire(rest)


def difference(expected: Requests, actual: Requests) -> str:
    """Empty if both export the same; else the first differences, readable."""
    wanted, got = exported(expected), exported(actual)
    if wanted == got:
        return ""
    lines = list(difflib.unified_diff(_text(wanted), _text(got), "expected", "actual", lineterm="", n=4))
    return "\n".join(lines[:120]) or f"the text is the same, the bits are not: {wanted} != {got}"


def _text(export: Export) -> list[str]:
    lines = []
    for (resource, scope), spans in export.items():
        parts: list[Message] = [ResourceSpans.FromString(resource), ScopeSpans.FromString(scope)]
        for part in parts + [Span.FromString(span) for span in spans]:
            lines += text_format.MessageToString(part, print_unknown_fields=True).splitlines()
    return lines
