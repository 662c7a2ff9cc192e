# env: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=0
# env: OTEL_SPAN_EVENT_COUNT_LIMIT=0
# env: OTEL_SPAN_LINK_COUNT_LIMIT=0
# env: OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=0
"""Limits of zero keep nothing, and count all of it."""

from opentelemetry import trace
from opentelemetry.trace import Link

tracer = trace.get_tracer("limits")

with tracer.start_as_current_span("root", attributes={"a": 1, "b": 2}) as root:
    root.set_attribute("a", "again")
    root.add_event("one")
    root.add_event("two")
    root.add_link(root.get_span_context())
    tracer.start_span("child", links=[Link(root.get_span_context())] * 3).end()
