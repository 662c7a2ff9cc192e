"""Each combination of recording, status and ending, for each way to leave a span by an exception."""

from contextlib import suppress
from itertools import product

from opentelemetry import trace

tracer = trace.get_tracer("flags")
left_open: list[trace.Span] = []


def told(flags: tuple[bool, bool, bool]) -> str:
    return "".join("ny"[flag] for flag in flags)


for record, status, end in product((False, True), repeat=3):
    name = told((record, status, end))
    with (
        suppress(ValueError),
        tracer.start_as_current_span(
            f"current {name}", record_exception=record, set_status_on_exception=status, end_on_exit=end
        ) as span,
    ):
        left_open.append(span)
        raise ValueError("current")
    used = tracer.start_span(f"used {name}", record_exception=not record, set_status_on_exception=not status)
    with suppress(ValueError), trace.use_span(used, end, record, status):
        left_open.append(used)
        raise ValueError("used")
    with (
        suppress(ValueError),
        tracer.start_as_current_span(
            f"quiet {name}", None, trace.SpanKind.INTERNAL, None, (), None, record, status, end
        ) as quiet,
    ):
        left_open.append(quiet)
    if end:
        with (
            suppress(ValueError),
            tracer.start_span(f"bare {name}", record_exception=record, set_status_on_exception=status),
        ):
            raise ValueError("bare")
print([span.is_recording() for span in left_open])
for span in left_open[::2]:
    span.set_attribute("ended late", True)
    span.end()
