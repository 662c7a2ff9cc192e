# env: OTEL_TRACES_SAMPLER=always_on
"""Everything is sampled, also below a parent that is not."""

from opentelemetry import propagate, trace

tracer = trace.get_tracer("sampler")

tracer.start_span("root").end()
for flags in ("00", "01", "02", "03"):
    parent = propagate.extract(
        {"traceparent": f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"}
    )
    with tracer.start_as_current_span(f"flags {flags}", context=parent) as span:
        print(flags, int(span.get_span_context().trace_flags))
        tracer.start_span(f"child of flags {flags}").end()
