"""Reads the Collector's file of OTLP/JSON requests into the form of the generator's truth.

A field that is not known here is an error, so that nothing the receiver shows goes unread.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .compare import Pairs, ReadBack, Span

Json = dict[str, Any]


def read(path: Path) -> ReadBack:
    """A request for each line. Numbers stay text until their type is known, which keeps -0."""
    back = ReadBack()
    for line in path.read_bytes().splitlines():
        back.requests += 1
        request = json.loads(line, parse_int=str, parse_float=str)
        for resource_spans in taken(request, "resourceSpans"):
            resource = resource_spans.pop("resource")
            back.resources.append(pairs(resource))
            empty(resource)
            for scope_spans in taken(resource_spans, "scopeSpans"):
                scope = scope_spans.pop("scope")
                said = {name: scope.pop(name, "") for name in ("name", "version")}
                said |= {"schema_url": scope_spans.pop("schemaUrl", ""), "attributes": pairs(scope)}
                empty(scope)
                back.spans.extend({**json_span(span), "scope": said} for span in taken(scope_spans, "spans"))
        empty(request)
    return back


def taken(parent: Json, name: str) -> Iterator[Json]:
    """The children under that name, one by one; whatever is left of each in the end is an error."""
    for child in parent.pop(name, []):
        yield child
        empty(child)


def empty(rest: Json) -> None:
    if rest:
        raise ValueError(f"the receiver shows fields that nobody reads: {rest}")


def pairs(owner: Json) -> Pairs:
    return [[pair.pop("key", ""), value(pair.pop("value"))] for pair in taken(owner, "attributes")]


def value(any_value: Json) -> list[Any]:
    if not any_value:
        return ["none", None]
    ((name, content),) = any_value.items()
    match name:
        case "boolValue":
            return ["bool", content]
        case "intValue":
            return ["int", int(content)]
        case "doubleValue":
            return ["double", float(content).hex()]
        case "stringValue":
            return ["str", content]
        case "bytesValue":
            return ["bytes", base64.b64decode(content, validate=True).hex()]
        case "arrayValue":
            return ["list", [value(item) for item in content.get("values", [])]]
        case "kvlistValue":
            return [
                "map",
                [[pair.get("key", ""), value(pair["value"])] for pair in content.get("values", [])],
            ]
    raise ValueError(f"no type of value: {name}")


def json_ids(owner: Json) -> Json:
    return {
        "trace_id": owner.pop("traceId"),
        "span_id": owner.pop("spanId"),
        "trace_state": owner.pop("traceState", ""),
        "flags": int(owner.pop("flags", 0)),
    }


def json_attributes(owner: Json) -> Json:
    return {"attributes": pairs(owner), "dropped_attributes": int(owner.pop("droppedAttributesCount", 0))}


def json_span(span: Json) -> Span:
    status = span.pop("status")
    said = {"code": int(status.pop("code", 0)), "message": status.pop("message", "")}
    empty(status)
    return {
        **json_ids(span),
        **json_attributes(span),
        "parent_id": span.pop("parentSpanId", ""),
        "name": span.pop("name", ""),
        "kind": int(span.pop("kind", 0)),
        "start": int(span.pop("startTimeUnixNano", 0)),
        "end": int(span.pop("endTimeUnixNano", 0)),
        "events": [
            {
                "name": event.pop("name", ""),
                "time": int(event.pop("timeUnixNano", 0)),
                **json_attributes(event),
            }
            for event in taken(span, "events")
        ],
        "dropped_events": int(span.pop("droppedEventsCount", 0)),
        "links": [{**json_ids(link), **json_attributes(link)} for link in taken(span, "links")],
        "dropped_links": int(span.pop("droppedLinksCount", 0)),
        "status": said,
    }
