"""More attributes, events and links than the default limits of 128 allow."""

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext

tracer = trace.get_tracer("limits")
target = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, False)
MANY = {f"k{number}": number for number in range(200)}
links = [Link(target, {"n": number}) for number in range(150)]

with tracer.start_as_current_span("one by one") as span:
    for key, value in MANY.items():
        span.set_attribute(key, value)
    span.set_attribute("k150", "moved, not added")
    for number in range(200):
        span.add_event(f"event {number}")
    for number in range(200):
        span.add_link(target, {"n": number})
with tracer.start_as_current_span("at the start", attributes=MANY, links=links) as span:
    span.add_event("event", MANY)
    span.add_link(target, MANY)
    span.set_attributes({f"more {number}": number for number in range(100)})
with tracer.start_as_current_span("exactly", attributes={f"k{number}": number for number in range(128)}):
    pass
