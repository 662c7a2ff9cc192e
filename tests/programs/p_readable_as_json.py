"""A span as JSON, and as text: nothing but its class may be told otherwise."""

import json
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import StatusCode

tracer = trace.get_tracer("json")
START = 1_700_000_000_000_000_000


def told(span: Any) -> None:
    fields = json.loads(span.to_json())
    fields["resource"]["attributes"] = sorted(fields["resource"]["attributes"])
    print(json.dumps(fields))
    print(span.to_json(indent=None).count("\n"), span.to_json().count("\n") > 10)
    print(repr(span).partition("(")[2], str(span) == repr(span))


with tracer.start_as_current_span("outer", start_time=START, end_on_exit=False) as outer:
    print(START)
    with tracer.start_as_current_span("caf\u00e9", start_time=START + 1, kind=trace.SpanKind.CLIENT) as span:
        span.set_attributes({"text": "x", "list": [1, 2], "map": {"k": None}, "float": 1.5, "flag": True})
        span.add_event("event", {"k": "v"}, START + 2_000_000)
        span.add_link(outer.get_span_context(), {"k": "v"})
        span.set_status(StatusCode.ERROR, "failed")
        told(span)
outer.end(START + 5_000_000)
told(outer)
print(type(outer) is type(span))
