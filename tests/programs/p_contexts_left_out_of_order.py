"""Contexts left in another order than the reverse of how they were entered."""

from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.trace import Span

tracer = trace.get_tracer("order")


def leave(manager: AbstractContextManager[Span]) -> None:
    manager.__exit__(None, None, None)


a = tracer.start_as_current_span("a")
a.__enter__()
b = tracer.start_as_current_span("b")
b.__enter__()
leave(a)
with tracer.start_as_current_span("a left"):
    pass
leave(b)
with tracer.start_as_current_span("a and b left"):
    pass
