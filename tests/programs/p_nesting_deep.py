"""Three hundred spans inside each other, once by recursion and once by a stack of contexts."""

from contextlib import ExitStack

from opentelemetry import trace

DEPTH = 300
tracer = trace.get_tracer("nesting")


def descend(depth: int) -> None:
    if depth:
        with tracer.start_as_current_span(f"call {depth}") as span:
            span.set_attribute("depth", depth)
            descend(depth - 1)


descend(DEPTH)
with ExitStack() as stack:
    for depth in range(DEPTH):
        stack.enter_context(tracer.start_as_current_span(f"level {depth}"))
    trace.get_current_span().add_event("at the bottom")
with tracer.start_as_current_span("after"):
    print(trace.get_current_span().is_recording())
