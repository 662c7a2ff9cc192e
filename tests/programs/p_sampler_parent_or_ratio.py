# env: OTEL_TRACES_SAMPLER=parentbased_traceidratio
# env: OTEL_TRACES_SAMPLER_ARG=0
"""A ratio of nothing for roots; below a parent the parent decides."""

from opentelemetry import propagate, trace

tracer = trace.get_tracer("sampler")

with tracer.start_as_current_span("root") as root:
    print(root.is_recording())
    tracer.start_span("child of the unsampled root").end()
for flags in ("00", "01"):
    parent = propagate.extract(
        {"traceparent": f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"}
    )
    with tracer.start_as_current_span(f"flags {flags}", context=parent) as span:
        print(flags, span.is_recording())
        with tracer.start_as_current_span(f"child of flags {flags}"):
            pass
        root_again = tracer.start_span("root again", context=trace.set_span_in_context(trace.INVALID_SPAN))
        print(root_again.is_recording())
