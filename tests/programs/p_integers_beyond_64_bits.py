"""Integers that no signed 64-bit integer holds."""

from opentelemetry import trace

tracer = trace.get_tracer("integers")
BIG = 1 << 63

with tracer.start_as_current_span("attribute") as span:
    span.set_attribute("before", BIG - 1)
    span.set_attribute("too large", BIG)
    span.set_attribute("too small", -BIG - 1)
    span.set_attribute("after", -BIG)
with tracer.start_as_current_span("in a list") as span:
    span.set_attribute("list", [1, BIG])
with tracer.start_as_current_span("of an event") as span:
    span.add_event("event", {"too large": BIG * BIG, "fine": 1})
