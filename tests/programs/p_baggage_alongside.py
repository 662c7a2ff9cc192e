"""Baggage travels in the same contexts as spans, and into headers."""

from opentelemetry import baggage, context, propagate, trace

tracer = trace.get_tracer("baggage")


def note(name: str) -> None:
    with tracer.start_as_current_span(name) as span:
        span.set_attributes(
            {f"baggage.{key}": str(value) for key, value in sorted(baggage.get_all().items())}
        )


with tracer.start_as_current_span("root") as root:
    token = context.attach(baggage.set_baggage("user", "al\u00efce"))
    note("with baggage")
    with tracer.start_as_current_span("current, set later"):
        inner = context.attach(baggage.set_baggage("tier", 3))
        note("with more")
        headers: dict[str, str] = {}
        propagate.inject(headers)
        print(sorted(headers), headers["baggage"])
        context.detach(inner)
        note("with less")
    context.detach(token)
    note("without")
    print(trace.get_current_span() is root)
incoming = propagate.extract(
    {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "baggage": "user=bob,tier=2;p=1",
    }
)
attached = context.attach(incoming)
note("from outside")
with tracer.start_as_current_span("explicit parent", context=context.Context()):
    note("below it")
context.detach(attached)
note("nothing left")
