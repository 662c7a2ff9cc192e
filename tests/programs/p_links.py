"""Links to local, remote and invalid spans, with and without attributes, at the start and later."""

from opentelemetry import trace
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    SpanContext,
    TraceFlags,
    TraceState,
)

tracer = trace.get_tracer("links")
TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C
SPAN_ID = 0xB7AD6B7169203331
remote = SpanContext(TRACE_ID, SPAN_ID, True, TraceFlags(1), TraceState([("a", "1")]))
local = SpanContext(TRACE_ID, SPAN_ID, False)
no_span = SpanContext(TRACE_ID, 0, False)
only_state = SpanContext(0, 0, True, TraceFlags(0), TraceState([("only", "state")]))

with tracer.start_as_current_span("target") as target:
    own = target.get_span_context()
with tracer.start_as_current_span("at the start", links=[Link(own), Link(remote, {"n": 1}), Link(local)]):
    pass
with tracer.start_as_current_span(
    "invalid ones",
    links=[
        Link(INVALID_SPAN_CONTEXT),
        Link(INVALID_SPAN_CONTEXT, {"kept": "for its attributes"}),
        Link(no_span),
        Link(only_state),
        Link(own, {}),
    ],
):
    pass
with tracer.start_as_current_span("later") as span:
    span.add_link(own)
    span.add_link(remote, {"text": "t", "list": [1, 2], "map": {"k": None}})
    span.add_link(INVALID_SPAN_CONTEXT)
    span.add_link(INVALID_SPAN_CONTEXT, {"kept": True})
    span.add_link(only_state)
    span.add_link(span.get_span_context(), attributes={"to": "itself"})
    with tracer.start_as_current_span("child", links=(Link(span.get_span_context()),)) as child:
        span.add_link(child.get_span_context())
span.add_link(remote)
with tracer.start_as_current_span("both", links=[Link(remote)]) as both:
    both.add_link(own)
tracer.start_span("none", links=None).end()
tracer.start_span("empty", links=[]).end()
tracer.start_span("a generator of links", links=tuple(Link(own, {"n": n}) for n in range(3))).end()
with tracer.start_as_current_span("attributes later changed") as span:
    attributes = {"n": 1}
    span.add_link(own, attributes)
    attributes["n"] = 2
