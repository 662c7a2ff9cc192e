"""A signal handler that traces finds the span that was interrupted as its parent."""

import signal
from types import FrameType

from opentelemetry import trace

tracer = trace.get_tracer("signals")
seen = 0


def handler(number: int, frame: FrameType | None) -> None:
    global seen
    seen += 1
    with tracer.start_as_current_span(f"handler {seen}") as span:
        span.set_attribute("signal", number)
        if seen == 2:
            signal.raise_signal(signal.SIGUSR2)


def alarm(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("from a handler")


signal.signal(signal.SIGUSR1, handler)
signal.signal(signal.SIGUSR2, lambda number, frame: trace.get_current_span().add_event("nested signal"))
signal.signal(signal.SIGALRM, alarm)
signal.raise_signal(signal.SIGUSR1)
with tracer.start_as_current_span("interrupted") as span:
    signal.raise_signal(signal.SIGUSR1)
    span.add_event("between")
    signal.raise_signal(signal.SIGUSR1)
    print(trace.get_current_span() is span)
try:
    with tracer.start_as_current_span("interrupted by an exception"):
        signal.raise_signal(signal.SIGALRM)
except TimeoutError as error:
    print(error)
try:
    with tracer.start_as_current_span("interrupted from the keyboard"):
        signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
print(seen)
