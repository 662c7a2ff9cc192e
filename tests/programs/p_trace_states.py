"""Trace states inherited, changed on the way down, full, and sent with links."""

from opentelemetry import trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

tracer = trace.get_tracer("states")
TRACE_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736
SPAN_ID = 0x00F067AA0BA902B7


def parent(state: TraceState, remote: bool = True) -> SpanContext:
    return SpanContext(TRACE_ID, SPAN_ID, remote, TraceFlags(1), state)


empty = TraceState()
one = empty.add("a", "1")
STATES = {
    "empty": empty,
    "one": one,
    "two": one.add("b", "x y z"),
    "updated": one.add("b", "2").update("a", "3"),
    "deleted": one.add("b", "2").delete("a"),
    "full": TraceState([(f"k{number}", f"v{number}") for number in range(32)]),
    "too many": TraceState([(f"k{number}", "v") for number in range(33)]),
    "from a header": TraceState.from_header(["vendor@tenant=1, other=2", "third=3"]),
    "invalid": empty.add("UPPER", "1").add("ok", "comma,no"),
    "long": empty.add("k" * 200, "v" * 250),
}
for name, state in STATES.items():
    context = set_span_in_context(NonRecordingSpan(parent(state)))
    with tracer.start_as_current_span(name, context=context, links=[Link(parent(state))]) as span:
        print(name, span.get_span_context().trace_state.to_header()[:60])
        with tracer.start_as_current_span(f"{name}: child"):
            pass
