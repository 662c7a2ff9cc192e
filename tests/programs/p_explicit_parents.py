"""Parents given by an explicit context, against the current span, and none."""

from opentelemetry import context, trace

tracer = trace.get_tracer("parents")

other = tracer.start_span("other")
below_other = trace.set_span_in_context(other)
with tracer.start_as_current_span("current"):
    tracer.start_span("implicit").end()
    tracer.start_span("explicit", below_other).end()
    tracer.start_span("root by an empty context", context=context.Context()).end()
    with tracer.start_as_current_span("current explicit", context=below_other) as explicit:
        tracer.start_span("below the explicit one").end()
        tracer.start_span("uncle", context=trace.set_span_in_context(explicit, below_other)).end()
    tracer.start_span("implicit again", context=None).end()
    other.end()
    tracer.start_span("below an ended span", context=below_other).end()
    invalid = trace.set_span_in_context(trace.INVALID_SPAN)
    tracer.start_span("root by an invalid span", context=invalid).end()
with tracer.start_as_current_span("sibling traces"):
    for number in range(3):
        with tracer.start_as_current_span(f"trace {number}", context=context.Context()):
            tracer.start_span(f"child {number}").end()
