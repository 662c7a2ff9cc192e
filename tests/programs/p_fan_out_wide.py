"""Four hundred children of one span, half of them current, some started before their elder sibling ended."""

from opentelemetry import trace

tracer = trace.get_tracer("fan")

with tracer.start_as_current_span("root") as root:
    for number in range(200):
        with tracer.start_as_current_span(f"current {number}") as span:
            span.set_attribute("number", number)
    open_spans = [tracer.start_span(f"overlapping {number}") for number in range(200)]
    for span in open_spans[::2]:
        span.end()
    for span in open_spans[1::2]:
        span.end()
    root.set_attribute("children", 400)
