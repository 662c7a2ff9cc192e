"""Every kind of span, by every way to start one."""

from opentelemetry import trace
from opentelemetry.trace import SpanKind

tracer = trace.get_tracer("kinds")

for kind in SpanKind:
    with tracer.start_as_current_span(f"current {kind.name}", kind=kind) as span:
        tracer.start_span(f"bare {kind.name}", kind=kind).end()
        tracer.start_span(f"positional {kind.name}", None, kind, {"kind": kind.value}).end()
