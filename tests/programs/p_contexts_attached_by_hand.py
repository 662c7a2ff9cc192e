"""Contexts attached and detached by hand, with spans and other values in them."""

from opentelemetry import context, trace

tracer = trace.get_tracer("by hand")
KEY = context.create_key("key")


def note(name: str) -> None:
    with tracer.start_as_current_span(name) as span:
        span.set_attribute("value", str(context.get_value(KEY)))


first, second = tracer.start_span("first"), tracer.start_span("second")
of_first = context.attach(trace.set_span_in_context(first))
note("below first")
of_value = context.attach(context.set_value(KEY, "set"))
note("below first, with a value")
of_second = context.attach(trace.set_span_in_context(second))
note("below second")
context.detach(of_second)
note("below first again")
context.detach(of_value)
empty = context.attach(context.Context())
note("root")
context.detach(empty)
with tracer.start_as_current_span("current") as current:
    token = context.attach(context.set_value(KEY, 5))
    note("below current")
    context.detach(token)
    print(trace.get_current_span() is current)
context.detach(of_first)
note("outside")
first.end()
second.end()
explicit = trace.set_span_in_context(first, context.set_value(KEY, "explicit"))
print(context.get_value(KEY, explicit), trace.get_current_span(explicit) is first, len(explicit))
