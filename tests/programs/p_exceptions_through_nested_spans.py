"""An exception marks each span it leaves, up to the one inside which it is caught."""

from opentelemetry import trace

tracer = trace.get_tracer("exceptions")


def inner() -> None:
    with tracer.start_as_current_span("inner"):
        raise ValueError("from the inside")


def middle() -> None:
    with tracer.start_as_current_span("middle"):
        try:
            inner()
        finally:
            with tracer.start_as_current_span("in finally"):
                pass


with tracer.start_as_current_span("outer") as outer:
    try:
        middle()
    except ValueError as error:
        print(trace.get_current_span() is outer, error)
    try:
        with tracer.start_as_current_span("first"):
            try:
                inner()
            except ValueError as error:
                raise KeyError("replaced") from error
    except KeyError as error:
        outer.record_exception(error)
with tracer.start_as_current_span("after"):
    pass
