"""Spans of the API that record nothing: their methods, and spans below them."""

from opentelemetry import trace
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
)

tracer = trace.get_tracer("silent")
sampled = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, False, TraceFlags(1))
unsampled = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203332, False, TraceFlags(0))

for name, silent in (
    ("invalid", INVALID_SPAN),
    ("sampled", NonRecordingSpan(sampled)),
    ("unsampled", NonRecordingSpan(unsampled)),
):
    silent.set_attribute("a", 1)
    silent.add_event("event")
    silent.set_status(StatusCode.ERROR)
    silent.update_name("renamed")
    silent.record_exception(ValueError("unseen"))
    with silent as entered, trace.use_span(silent):
        print(entered is silent, trace.get_current_span() is silent)
        with tracer.start_as_current_span(f"below {name}") as span:
            print(name, span.is_recording(), span.get_span_context().trace_flags.sampled)
            tracer.start_span(f"child below {name}").end()
    silent.end()
with tracer.start_as_current_span("links") as span:
    span.add_link(sampled)
    span.add_link(INVALID_SPAN.get_span_context())
