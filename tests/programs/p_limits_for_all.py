# env: OTEL_ATTRIBUTE_COUNT_LIMIT=2
# env: OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=3
"""One limit for all attributes, and one of events that goes before it."""

from opentelemetry import trace
from opentelemetry.trace import Link

tracer = trace.get_tracer("limits")
FIVE = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}

with tracer.start_as_current_span("span", attributes=FIVE) as span:
    span.add_event("event", FIVE)
    with tracer.start_as_current_span("child", links=[Link(span.get_span_context(), FIVE)]) as child:
        child.set_attributes(FIVE)
        for number in range(130):
            child.add_event(f"event {number}")
