# env: OTEL_TRACES_SAMPLER=no_such_sampler
# env: OTEL_TRACES_SAMPLER_ARG=much
"""An unknown sampler is the default one: roots are sampled, and parents decide for their children."""

from opentelemetry import propagate, trace

tracer = trace.get_tracer("sampler")

with tracer.start_as_current_span("root"):
    tracer.start_span("child").end()
parent = propagate.extract({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"})
print(tracer.start_span("below an unsampled parent", context=parent).is_recording())
