# env: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=3
# env: OTEL_SPAN_EVENT_COUNT_LIMIT=2
# env: OTEL_SPAN_LINK_COUNT_LIMIT=1
# env: OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=2
# env: OTEL_LINK_ATTRIBUTE_COUNT_LIMIT=1
"""Limits of count from the environment: the oldest goes, and is counted."""

from opentelemetry import trace
from opentelemetry.trace import Link

tracer = trace.get_tracer("limits", attributes={"a": 1, "b": 2, "c": 3, "d": 4})
FIVE = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}

with tracer.start_as_current_span("root") as root:
    own = root.get_span_context()
with tracer.start_as_current_span("over", attributes=FIVE, links=[Link(own, FIVE), Link(own)]) as span:
    span.set_attribute("f", 6)
    span.set_attribute("d", "moved")
    for number in range(4):
        span.add_event(f"event {number}", FIVE)
    span.add_link(own, FIVE)
    span.set_attribute("map", FIVE)
with tracer.start_as_current_span("invalid keys") as span:
    span.set_attributes({"": 1, "a": 1, "b": 2, "c": 3})
    span.set_attribute("", 1)
try:
    with tracer.start_as_current_span("exception"):
        raise ValueError("four attributes")
except ValueError:
    pass
