# exit: 3
"""A program that leaves by sys.exit inside spans still exports them, none with an error."""

import atexit
import sys

from opentelemetry import trace

tracer = trace.get_tracer("exit")

atexit.register(print, "at exit")
never = tracer.start_span("never ended")
with tracer.start_as_current_span("outer"):
    print("outer")
    with trace.use_span(never), tracer.start_as_current_span("inner") as inner:
        inner.set_attribute("leaving", True)
        print("leaving")
        sys.exit(3)
