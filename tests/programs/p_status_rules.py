"""OK is final, UNSET is ignored, only an error has a description, and an exception does not undo OK."""

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

tracer = trace.get_tracer("status")
CODES = list(StatusCode)

for first in CODES:
    for second in CODES:
        with tracer.start_as_current_span(f"{first.name} then {second.name}") as span:
            span.set_status(first, f"first {first.name}")
            span.set_status(second, f"second {second.name}")
        with tracer.start_as_current_span(f"Status {first.name} then {second.name}") as span:
            span.set_status(Status(first, f"first {first.name}"))
            span.set_status(Status(second, f"second {second.name}"), "ignored")
for code in CODES:
    try:
        with tracer.start_as_current_span(f"{code.name} then an exception") as span:
            span.set_status(code, "by hand")
            raise ValueError("raised")
    except ValueError:
        pass
with tracer.start_as_current_span("descriptions") as span:
    span.set_status(StatusCode.ERROR)
    span.set_status(StatusCode.ERROR, "")
    span.set_status(StatusCode.ERROR, "h\u00e9llo \u4f60\u597d \U0001f600")
with tracer.start_as_current_span("error without a description after one with") as span:
    span.set_status(StatusCode.ERROR, "first")
    span.set_status(StatusCode.ERROR)
with tracer.start_as_current_span("keywords") as span:
    span.set_status(status=StatusCode.ERROR, description="by keyword")
with tracer.start_as_current_span("default status") as span:
    span.set_status(Status())
with tracer.start_as_current_span("long") as span:
    span.set_status(StatusCode.ERROR, "d" * 20_000)
span.set_status(StatusCode.OK)
