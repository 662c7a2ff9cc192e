"""Live and ended spans answer every property of a readable span."""

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind, StatusCode

tracer = trace.get_tracer("readable", "1.2", schema_url="https://example.org/s", attributes={"scope": 1})
START = 1_700_000_000_000_000_000


def told(span: Any) -> None:
    """Records what the span says of itself, as attributes of another span."""
    attributes = dict(span.attributes)
    says = {
        "name": span.name,
        "kind": span.kind.name,
        "status": span.status.status_code.name,
        "description": span.status.description,
        "ok": [span.status.is_ok, span.status.is_unset],
        "start": span.start_time,
        "end": span.end_time,
        "context": span.context == span.get_span_context(),
        "parent": None if span.parent is None else span.parent.is_valid,
        "attributes": attributes,
        "types": {key: type(value).__name__ for key, value in attributes.items()},
        "keys": [
            list(span.attributes),
            len(span.attributes),
            "a" in span.attributes,
            span.attributes.get("none", 5),
        ],
        "events": [[event.name, event.timestamp, dict(event.attributes or {})] for event in span.events],
        "links": [[dict(link.attributes or {}), link.context == span.context] for link in span.links],
        "dropped": [span.dropped_attributes, span.dropped_events, span.dropped_links],
        "service": span.resource.attributes["service.name"],
        "scope": [span.instrumentation_scope.name, span.instrumentation_scope.version],
        "schema": span.instrumentation_scope.schema_url,
        "scope attributes": dict(span.instrumentation_scope.attributes),
        "recording": span.is_recording(),
    }
    with tracer.start_as_current_span("told", attributes=says):
        for key, value in says.items():
            print(key, value)


def refused(span: Any) -> None:
    for name in ("name", "kind", "attributes", "parent", "status", "start_time"):
        try:
            setattr(span, name, None)
        except Exception as error:
            print("refused", name, type(error).__name__)
    try:
        span.attributes["new"] = 1
    except TypeError:
        print("refused an attribute")


with tracer.start_as_current_span("parent", start_time=START) as parent:
    told(parent)
    with tracer.start_as_current_span(
        "child", kind=SpanKind.SERVER, start_time=START + 1, end_on_exit=False
    ) as child:
        child.set_attributes({"a": [1, 2], "b": {"c": "d"}, "e": None, "f": b"\x00", "g": 1.5, "": 0})
        child.add_event("event", {"list": ["x"]}, START + 2)
        child.add_link(child.get_span_context(), {"n": 1})
        child.set_status(StatusCode.ERROR, "failed")
        told(child)
        refused(child)
        child.update_name("renamed child")
    child.end(START + 3)
    told(child)
    link: Any = Link(child.get_span_context(), {"k": [1]})
    print(dict(link.attributes), type(parent).__mro__[-1].__name__)
