"""BaseExceptions pass a current span unrecorded; a span that is itself the context manager records them."""

from opentelemetry import trace

tracer = trace.get_tracer("exceptions")


class Stop(BaseException):
    pass


for error in (
    BaseException("base"),
    KeyboardInterrupt(),
    SystemExit(2),
    GeneratorExit("closed"),
    Stop("custom"),
):
    kind = type(error).__name__
    try:
        with tracer.start_as_current_span(f"current {kind}"):
            raise error
    except BaseException as caught:
        print(repr(caught), trace.get_current_span().get_span_context().is_valid)
    try:
        with tracer.start_span(f"bare {kind}"):
            raise error.with_traceback(None)
    except BaseException as caught:
        print(repr(caught))
    span = tracer.start_span(f"used {kind}")
    try:
        with trace.use_span(span, end_on_exit=True):
            raise error.with_traceback(None)
    except BaseException as caught:
        print(repr(caught), span.is_recording())
