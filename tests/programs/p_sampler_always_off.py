# env: OTEL_TRACES_SAMPLER=always_off
# expect: nothing
"""Nothing is sampled: spans are valid parents, take every call and do not record."""

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, StatusCode

tracer = trace.get_tracer("sampler")

with tracer.start_as_current_span("root", attributes={"a": 1}) as root:
    context = root.get_span_context()
    print(
        root.is_recording(), context.is_valid, context.trace_flags.sampled, trace.get_current_span() is root
    )
    root.set_attribute("a", 1)
    root.set_attributes({"b": 2})
    root.add_event("event")
    root.add_link(context)
    root.update_name("renamed")
    root.set_status(StatusCode.ERROR, "error")
    root.record_exception(ValueError("unseen"))
    with tracer.start_as_current_span("child", links=[Link(context)]) as child:
        print(child.get_span_context().trace_id == context.trace_id)
        print(child.get_span_context().span_id == context.span_id, child.is_recording())
    headers: dict[str, str] = {}
    propagate.inject(headers)
    print(
        headers["traceparent"]
        == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    )
    other = tracer.start_span("other root", context=trace.set_span_in_context(trace.INVALID_SPAN))
    print(other.get_span_context().trace_id == context.trace_id)
try:
    with tracer.start_as_current_span("fails"):
        raise ValueError("passes")
except ValueError as error:
    print(error, trace.get_current_span().get_span_context().is_valid)
sampled = propagate.extract({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
remote = tracer.start_span("below a sampled parent", context=sampled).get_span_context()
print(f"{remote.trace_id:032x}", remote.trace_flags.sampled, remote.is_remote)
