# env: OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=5
# env: OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=7
"""Limits of length cut text in characters, also inside lists and maps, and nothing else."""

from opentelemetry import trace
from opentelemetry.trace import Link, StatusCode
from opentelemetry.util.types import AnyValue

tracer = trace.get_tracer(
    "limits", "version longer than the limit", attributes={"scope": "longer than the limit"}
)
VALUES: dict[str, AnyValue] = {
    "short": "abc",
    "five": "abcde",
    "seven": "abcdefg",
    "long": "abcdefghij",
    "latin": "\u00e9" * 10,
    "wide": "\u4f60\u597d" * 10,
    "astral": "\U0001f600" * 10,
    "narrow at the cut": "abcdefg\U0001f600",
    "list": ["abcdefghij", 1, ["abcdefghij"]],
    "map": {"a long key stays": "abcdefghij"},
    "bytes": b"abcdefghij",
    "integer": 12345678901,
    "a key longer than the limit": None,
}

with tracer.start_as_current_span("a name longer than the limit", attributes=VALUES) as span:
    span.set_attribute("later", "abcdefghij")
    span.add_event("an event longer than the limit", VALUES)
    span.add_link(span.get_span_context(), VALUES)
    span.set_status(StatusCode.ERROR, "a description longer than the limit")
    with tracer.start_as_current_span("child", links=[Link(span.get_span_context(), VALUES)]):
        pass
