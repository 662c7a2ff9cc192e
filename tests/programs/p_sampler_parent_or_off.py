# env: OTEL_TRACES_SAMPLER=parentbased_always_off
"""No root is sampled, and every child of a sampled remote parent is."""

from opentelemetry import propagate, trace

tracer = trace.get_tracer("sampler")

tracer.start_span("root").end()
parent = propagate.extract(
    {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "vendor=1"}
)
with tracer.start_as_current_span("entry", context=parent, kind=trace.SpanKind.SERVER):
    tracer.start_span("sibling").end()
    with tracer.start_as_current_span("inner"):
        tracer.start_span("innermost").end()
