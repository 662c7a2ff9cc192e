"""Parents that come by traceparent and tracestate headers: sampled, not sampled, and malformed."""

from opentelemetry import propagate, trace

tracer = trace.get_tracer("remote")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

HEADERS = {
    "sampled": {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
    "not sampled": {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00"},
    "random": {"traceparent": f"00-{TRACE}-00f067aa0ba902b8-03"},
    "later version": {"traceparent": f"cc-{TRACE}-00f067aa0ba902b9-01"},
    "with state": {
        "traceparent": f"00-{TRACE}-00f067aa0ba902ba-01",
        "tracestate": "congo=t61rcWkgMzE,rojo=00f067",
    },
    "bad state": {"traceparent": f"00-{TRACE}-00f067aa0ba902bb-01", "tracestate": "=,,"},
    "zero trace": {"traceparent": "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
    "zero span": {"traceparent": f"00-{TRACE}-0000000000000000-01"},
    "upper case": {"traceparent": "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01"},
    "garbage": {"traceparent": "no parent"},
    "version ff": {"traceparent": f"ff-{TRACE}-00f067aa0ba902b7-01"},
    "none": {},
}

for name, headers in HEADERS.items():
    parent = propagate.extract(headers)
    with tracer.start_as_current_span(name, context=parent) as span:
        print(name, span.is_recording(), trace.get_current_span(parent).get_span_context().is_remote)
        with tracer.start_as_current_span(f"{name}: child") as child:
            carrier: dict[str, str] = {}
            propagate.inject(carrier)
            mine = child.get_span_context()
            version, trace_id, span_id, flags = carrier["traceparent"].split("-")
            print(version, trace_id == TRACE, span_id == f"{mine.span_id:016x}", carrier.get("tracestate"))
            print(int(flags, 16) == mine.trace_flags, mine.trace_flags.sampled)
