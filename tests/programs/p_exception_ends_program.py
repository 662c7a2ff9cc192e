# exit: 1
"""A program that an exception ends inside spans still exports them, each with the error."""

from opentelemetry import trace

tracer = trace.get_tracer("crash")


class Fatal(Exception):
    pass


with tracer.start_as_current_span("before"):
    print("before")
with tracer.start_as_current_span("outer"):
    try:
        with tracer.start_as_current_span("inner"):
            raise Fatal("the end")
    finally:
        print("unwinding")
