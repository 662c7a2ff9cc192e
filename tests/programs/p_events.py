"""Events with and without attributes and times, in the order they were added."""

from opentelemetry import trace

tracer = trace.get_tracer("events")
SECOND = 1_000_000_000

with tracer.start_as_current_span("events") as span:
    span.add_event("bare")
    span.add_event(
        "with attributes", {"a": 1, "b": "two", "c": [3.0, 4.5], "d": {"e": None}, "f": b"\x00\xff"}
    )
    span.add_event("timed", timestamp=1_700_000_000 * SECOND)
    span.add_event("earlier", {}, 1_600_000_000 * SECOND + 1)
    span.add_event("at zero", timestamp=0)
    span.add_event("last possible", timestamp=(1 << 64) - 1)
    span.add_event(name="keywords", attributes=None, timestamp=None)
    span.add_event("")
    span.add_event("na\u00efve \u4f60\u597d \U0001f600" * 20)
    changed = {"n": 1}
    span.add_event("attributes later changed", changed)
    changed["n"] = 2
    with tracer.start_as_current_span("between") as between:
        between.add_event("inner")
        span.add_event("outer, while the inner is open")
span.add_event("after the end")
