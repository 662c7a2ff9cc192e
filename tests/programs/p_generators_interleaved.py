"""Two generators advanced in turn, so that their spans are left in the order they were entered."""

from collections.abc import Generator

from opentelemetry import trace

tracer = trace.get_tracer("generators")


def numbers(name: str) -> Generator[int, None, None]:
    with tracer.start_as_current_span(name):
        yield 1
        yield 2


with tracer.start_as_current_span("outer"):
    print([left + right for left, right in zip(numbers("left"), numbers("right"), strict=False)])
    with tracer.start_as_current_span("inside still"):
        pass
with tracer.start_as_current_span("after"):
    pass
