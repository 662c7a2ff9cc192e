"""The states of a builder's span, and the one table of what is legal in each.

The runtime guard, the picture in docs/builder.md, and the list of files of typestate/ come from it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class State(str, Enum):
    """A state, by the name of its type."""

    BUILDING = "SpanBuilder"
    LIVE = "LiveSpan"
    ENDED = "EndedSpan"
    EXPORTED = "ExportedSpan"

    __str__ = str.__str__


IS = {
    State.BUILDING: "is not started",
    State.LIVE: "was started",
    State.ENDED: "has ended",
    State.EXPORTED: "was exported",
}
"""Of a span, in words."""


class Call(NamedTuple):
    """A method or an attribute that is legal in a state."""

    state: State
    name: str
    gives: str
    """Its type, as a checker reveals it."""
    to: State | None = None
    """The state of the span that it gives; None: it stays in this one."""
    once: bool = False
    """What it was called on takes no calls afterwards."""


_BUILDING = ("with_kind", "with_parent", "with_link", "with_start_time", "with_attribute", "with_attributes")
_LIVE = ("set_attribute", "set_attributes", "add_event", "event", "add_link", "update_name", "set_status")

TABLE: tuple[Call, ...] = (
    *(Call(State.BUILDING, name, "SpanBuilder") for name in _BUILDING),
    Call(State.BUILDING, "start", "LiveSpan", to=State.LIVE, once=True),
    *(Call(State.LIVE, name, "None") for name in (*_LIVE, "record_exception")),
    Call(State.LIVE, "is_recording", "bool"),
    Call(State.LIVE, "get_span_context", "SpanContext"),
    Call(State.LIVE, "child", "SpanBuilder"),
    Call(State.LIVE, "current", "AbstractContextManager[LiveSpan, None]"),
    Call(State.LIVE, "end", "EndedSpan", to=State.ENDED, once=True),
    Call(State.ENDED, "wait", "ExportedSpan", to=State.EXPORTED),
    Call(State.ENDED, "wait_async", "ExportedSpan", to=State.EXPORTED),
    Call(State.ENDED, "get_span_context", "SpanContext"),
    Call(State.EXPORTED, "trace_id", "int"),
    Call(State.EXPORTED, "span_id", "int"),
    Call(State.EXPORTED, "acknowledged_at", "int"),
    Call(State.EXPORTED, "endpoint", "str"),
)

ALWAYS = ("get_span_context", "is_recording")
"""Also on what was live: whoever was handed a span may ask."""


def names() -> tuple[str, ...]:
    """Of all calls."""
    return tuple(dict.fromkeys(call.name for call in TABLE))


def legal(state: State) -> tuple[str, ...]:
    """The calls that are legal in a state."""
    return tuple(call.name for call in TABLE if call.state is state)


def illegal(state: State) -> tuple[str, ...]:
    """The calls that are legal in other states alone."""
    return tuple(name for name in names() if name not in legal(state))


def diagram() -> str:
    """The states and what leads from one to the next, for Mermaid."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.BUILDING}"]
    for state in State:
        stays = [call.name for call in TABLE if call.state is state and call.to is None]
        ways: dict[State, list[str]] = {}
        for call in TABLE:
            if call.state is state and call.to is not None:
                ways.setdefault(call.to, []).append(call.name)
        lines += [f"    {state} --> {to}: {', '.join(calls)}" for to, calls in ways.items()]
        lines += [f"    {state}: {state}<br>{'<br>'.join(stays)}"]
    return "\n".join(lines) + "\n"
