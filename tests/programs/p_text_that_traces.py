"""Objects whose text is made by code that traces, renames, or ends the very span it is set on."""

from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("text")


class Traces:
    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        with tracer.start_as_current_span(f"text of {self.name}"):
            return self.name


class Sets:
    def __str__(self) -> str:
        trace.get_current_span().set_attribute("by the way", 1)
        return "set another"


class Fails(Exception):
    def __str__(self) -> str:
        tracer.start_span("text of an exception").end()
        return "failed"


def value(name: str) -> Any:
    return Traces(name)


with tracer.start_as_current_span("outer") as span:
    span.set_attribute("one", value("one"))
    span.set_attributes({"two": value("two"), "list": [value("three"), "plain", value("four")]})
    span.add_event("event", {"five": value("five")})
with tracer.start_as_current_span("by hand") as span:
    span.record_exception(Fails())
try:
    with tracer.start_as_current_span(
        "event that sets", set_status_on_exception=False, record_exception=False
    ) as span:
        other: Any = Sets()
        span.add_event("event", {"sets": other})
        raise Fails
except Fails:
    pass
