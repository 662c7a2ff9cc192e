# env: OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1
"""Text with lone surrogates, one span a batch."""

from opentelemetry import trace
from opentelemetry.trace import StatusCode

tracer = trace.get_tracer("surrogates")
LONE = "a\ud800b"

with tracer.start_as_current_span("attribute") as span:
    span.set_attribute("before", 1)
    span.set_attribute("alone", LONE)
    span.set_attribute("in a list", ["ok", LONE])
    span.set_attribute("after", 2)
with tracer.start_as_current_span("of an event") as span:
    span.add_event("event", {"low": "\udfff", "fine": 1})
with tracer.start_as_current_span(f"name {LONE}") as span:
    span.set_attribute("fine", 1)
with tracer.start_as_current_span("description") as span:
    span.set_status(StatusCode.ERROR, LONE)
tracer.start_span("fine").end()
