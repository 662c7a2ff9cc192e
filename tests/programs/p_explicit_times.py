"""Spans with given start and end times: whole, half, reversed, at zero, and beyond 63 bits."""

from opentelemetry import trace

tracer = trace.get_tracer("times")
START = 1_700_000_000_000_000_000

tracer.start_span("both", start_time=START).end(START + 1_000)
tracer.start_span("start only", start_time=START).end()
tracer.start_span("end only").end(START)
tracer.start_span("keyword", start_time=START + 1).end(end_time=START + 2)
tracer.start_span("ends before it starts", start_time=START).end(START - 1)
tracer.start_span("zero", start_time=0).end(0)
tracer.start_span("latest", start_time=(1 << 64) - 2).end((1 << 64) - 1)
tracer.start_span("none", start_time=None).end(None)
with tracer.start_as_current_span("current", start_time=START) as span:
    with tracer.start_as_current_span("child, on the clock"):
        pass
    with tracer.start_as_current_span("child", start_time=START + 5, end_on_exit=False) as child:
        child.add_event("on the clock")
        child.add_event("timed", timestamp=START + 6)
    child.end(START + 7)
    span.end(START + 10)
