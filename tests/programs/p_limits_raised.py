# env: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=5000
# env: OTEL_SPAN_EVENT_COUNT_LIMIT=5000
# env: OTEL_SPAN_LINK_COUNT_LIMIT=300
# env: OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=5000
"""Limits that are raised: a span larger than any default allows goes whole."""

from opentelemetry import trace

tracer = trace.get_tracer("limits")

with tracer.start_as_current_span("large") as span:
    for number in range(1000):
        span.set_attribute(f"key {number}", f"value {number}" * 10)
    for number in range(500):
        span.add_event(f"event {number}", {"number": number})
    span.add_event("wide", {f"key {number}": number for number in range(300)})
    for number in range(301):
        span.add_link(span.get_span_context(), {"number": number})
