"""A generator that is dropped ends its span when it is collected; one that is kept until exit, never."""

import gc
from collections.abc import Generator

from opentelemetry import trace

tracer = trace.get_tracer("generators")
kept = []


def numbers(name: str) -> Generator[int, None, None]:
    with tracer.start_as_current_span(name):
        yield 1
        yield 2


class Cycle:
    def __init__(self, name: str) -> None:
        self.numbers = numbers(name)
        self.me = self


gc.disable()
with tracer.start_as_current_span("outer") as outer:
    dropped = numbers("dropped")
    next(dropped)
    del dropped
    print(trace.get_current_span() is outer)
    cycle = Cycle("in a cycle")
    next(cycle.numbers)
    del cycle
    gc.collect()
    print(trace.get_current_span() is outer)
with tracer.start_as_current_span("last"):
    pass
kept.append(numbers("kept"))
next(kept[0])
tracer.start_span("below the kept one").end()
