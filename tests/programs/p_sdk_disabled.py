# env: OTEL_SDK_DISABLED=true
# expect: nothing
"""A disabled SDK gives tracers that do nothing, and remote parents pass through."""

from opentelemetry import propagate, trace

tracer = trace.get_tracer("disabled")

with tracer.start_as_current_span("root") as root:
    print(root.is_recording(), root.get_span_context().is_valid)
parent = propagate.extract({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
with tracer.start_as_current_span("child", context=parent) as child:
    print(f"{child.get_span_context().span_id:016x}")
