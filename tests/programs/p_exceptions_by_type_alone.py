"""A manager that is left by hand with the type of an exception alone; what is no exception, recorded."""

from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("type alone")

for kind in (ValueError, KeyboardInterrupt, None):
    manager = tracer.start_as_current_span(f"left by {kind}")
    manager.__enter__()
    print(manager.__exit__(kind, None, None))

with tracer.start_as_current_span("no exception") as span:
    odd: list[Any] = ["text", ValueError, None]
    for value in odd:
        try:
            span.record_exception(value)
        except (AttributeError, TypeError):  # which of them, CPython's traceback module decides, by version
            print("refused")
