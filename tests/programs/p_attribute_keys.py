"""Keys that are empty, no strings, long, foreign, and repeated."""

from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("keys")


class Text(str):
    pass


class Named:
    def __str__(self) -> str:
        return "named"


KEYS: list[Any] = [
    "plain", "", "with space", "caf\u00e9", "\u4f60\u597d", "\U0001f600", "nul\x00",
    "k" * 300, Text("subclass"),
    None, 1, 0, 2.5, True, b"bytes", ("a", 1), Named(), object(),
]  # fmt: skip

with tracer.start_as_current_span("one by one") as span:
    for number, key in enumerate(KEYS):
        span.set_attribute(key, number)
with tracer.start_as_current_span("at once") as span:
    span.set_attributes({key: number for number, key in enumerate(KEYS)})
with tracer.start_as_current_span("at the start", attributes={key: n for n, key in enumerate(KEYS)}) as span:
    span.add_event("event", {key: number for number, key in enumerate(KEYS)})
    span.add_link(span.get_span_context(), {key: number for number, key in enumerate(KEYS)})
with tracer.start_as_current_span("nested") as span:
    span.set_attribute("map", {key: number for number, key in enumerate(KEYS)})
with tracer.start_as_current_span("equal text") as span:
    span.set_attribute("a", 1)
    span.set_attribute(chr(ord("a")), 2)
    span.set_attribute(Text("a"), 3)
    for number in range(50):
        span.set_attribute(f"k{number % 5}", number)
