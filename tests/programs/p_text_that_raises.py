"""Values and exceptions whose text cannot be had."""

from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("raises")


class Raises(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Value:
    def __str__(self) -> str:
        raise RuntimeError("no text")


with tracer.start_as_current_span("values") as span:
    values: dict[str, Any] = {"alone": Value(), "in a list": [1, Value()], "after": 2}
    for name, value in values.items():
        try:
            span.set_attribute(name, value)
            print(name, "set")
        except RuntimeError:
            print(name, "raised")
try:
    with tracer.start_as_current_span("left by", record_exception=False):
        raise Raises
except (RuntimeError, Raises) as caught:
    print("left by", type(caught).__name__)
with tracer.start_as_current_span("by hand") as span:
    try:
        span.record_exception(Raises(), {"exception.stacktrace": "replaced"})
        print("recorded")
    except RuntimeError:
        print("raised")
