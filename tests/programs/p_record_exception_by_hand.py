"""record_exception with attributes, times, exceptions never raised, and attributes that replace its own."""

from opentelemetry import trace

tracer = trace.get_tracer("by hand")


def raised() -> ValueError:
    try:
        raise ValueError("raised")
    except ValueError as error:
        return error


with tracer.start_as_current_span("span") as span:
    span.record_exception(raised())
    span.record_exception(ValueError("never raised"))
    span.record_exception(KeyError("with attributes"), {"retry": 3, "fatal": False})
    span.record_exception(KeyError("timed"), timestamp=1_700_000_000_000_000_001)
    span.record_exception(KeyError("escaped"), escaped=True)
    span.record_exception(KeyError("positional"), {"a": [1, 2]}, 1_700_000_000_000_000_002, True)
    span.record_exception(
        KeyError("replaced"),
        {"exception.type": "mine", "exception.message": "other", "exception.stacktrace": "none", "extra": 1},
    )
    span.record_exception(KeyboardInterrupt("base"))
    span.record_exception(raised(), {})
    span.record_exception(exception=raised(), attributes=None, timestamp=None, escaped=False)
span.record_exception(ValueError("after the end"))
