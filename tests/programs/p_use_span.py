"""use_span with spans live, ended, entered twice, and not recording."""

from opentelemetry import trace

tracer = trace.get_tracer("use")


def child(name: str) -> None:
    tracer.start_span(name).end()


span = tracer.start_span("span")
with trace.use_span(span) as used:
    print(used is span, trace.get_current_span() is span)
    child("first use")
    with trace.use_span(span):
        child("used twice at once")
with trace.use_span(span, end_on_exit=True):
    child("second use")
print(span.is_recording())
with trace.use_span(span, end_on_exit=True):
    child("used after its end")
try:
    with trace.use_span(span):
        raise ValueError("an ended span records nothing")
except ValueError as error:
    print(error)
with trace.use_span(trace.INVALID_SPAN):
    child("below an invalid span")
remote = trace.SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, trace.TraceFlags(1))
try:
    with trace.use_span(trace.NonRecordingSpan(remote), end_on_exit=True):
        child("below a remote span")
        raise KeyError("passes")
except KeyError as error:
    print(repr(error))
