"""A generator that is closed ends its span without an error, and gives the current span back."""

from collections.abc import Generator

from opentelemetry import trace

tracer = trace.get_tracer("generators")


def numbers(name: str) -> Generator[int, None, None]:
    with tracer.start_as_current_span(name) as span:
        for number in range(5):
            span.set_attribute("yielded", number)
            yield number


with tracer.start_as_current_span("outer") as outer:
    closed = numbers("closed")
    print(next(closed), next(closed))
    with tracer.start_as_current_span("while the generator's span is current"):
        pass
    closed.close()
    print(trace.get_current_span() is outer)
    for number in numbers("broken out of"):
        if number == 2:
            break
    print(trace.get_current_span() is outer)
    never_started = numbers("never started")
    never_started.close()
    print(list(numbers("exhausted")))
    with tracer.start_as_current_span("last"):
        pass
print(trace.get_current_span().is_recording())
