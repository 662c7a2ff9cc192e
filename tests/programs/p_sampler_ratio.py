# env: OTEL_TRACES_SAMPLER=traceidratio
# env: OTEL_TRACES_SAMPLER_ARG=0.25
"""A ratio of a quarter decides by the low 64 bits of the trace id, whatever the parent says."""

from opentelemetry import propagate, trace

tracer = trace.get_tracer("sampler")
TRACES = (
    "00000000000000010000000000000001",
    "ffffffffffffffff0000000000000000",
    "ffffffffffffffff3fffffffffffffff",
    "00000000000000014000000000000000",
    "00000000000000014000000000000001",
    "0000000000000001ffffffffffffffff",
    "4bf92f3577b34da623ce929d0e0e4736",
    "4bf92f3577b34da6a3ce929d0e0e4736",
)

for trace_id in TRACES:
    for flags in ("00", "01"):
        parent = propagate.extract({"traceparent": f"00-{trace_id}-00f067aa0ba902b7-{flags}"})
        with tracer.start_as_current_span(f"{trace_id} {flags}", context=parent) as span:
            print(trace_id, flags, span.is_recording(), span.get_span_context().trace_flags.sampled)
            with tracer.start_as_current_span(f"child {trace_id} {flags}"):
                pass
