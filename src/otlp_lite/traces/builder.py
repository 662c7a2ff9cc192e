"""The typestate builder: what may be called when, and waiting for a record that must not be lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from opentelemetry.trace import format_trace_id

from .._native import builder as native
from .._native.builder import EndedSpan, LiveSpan, SpanBuilder
from ..counters import MEANINGS
from ..errors import Dropped, NotSampled, Rejected, StateError, WaitTimeout
from . import states
from .states import State

if TYPE_CHECKING:
    from asyncio import Future

__all__ = ["EndedSpan", "ExportedSpan", "LiveSpan", "SpanBuilder"]

LOOK = 0.1
"""Seconds between two looks of who waits: what is overwritten meanwhile, nobody tells."""
WAIT_MAX = 1e6
NAME_SHOWN = 100
"""Characters of a span's name in messages."""


class ExportedSpan(NamedTuple):
    """A receipt: a receiver has acknowledged the span. It said that it took it, not that it keeps it."""

    trace_id: int
    span_id: int
    acknowledged_at: int
    """ns since 1970, by this machine's clock."""
    endpoint: str
    """The URL that it was sent to."""


def _misused(of: str, now: str, call: str, name: str) -> StateError:
    """Of a call on what was `of`, for a span that is `now` in another state, or that has no such call."""
    state = State(now)
    if of == now:
        there = f"legal on {_article(of)} {of}"
    elif state is State.LIVE:
        there = "legal on the LiveSpan that start() gave"
    else:
        there = "legal on an EndedSpan, which end() gives"
    legal = states.legal(state)
    words = f"{of}.{call}: span {name[:NAME_SHOWN]!r} {states.IS[state]}; {there}: {', '.join(legal)}"
    return StateError(words, now, call, legal)


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"


class _Illegal:
    """Stands for a call that is legal in another state."""

    def __init__(self, state: State, call: str) -> None:
        self._state = state
        self._call = call

    def __get__(self, span: Any, of: type[Any]) -> NoReturn:
        if span is None or isinstance(span, ExportedSpan):
            name, now = "" if span is None else f"{span.span_id:016x}", str(self._state)
        else:
            name, now = native.told_of(span)
        raise _misused(self._state, now, self._call, name)


_TYPES = {
    State.BUILDING: SpanBuilder,
    State.LIVE: LiveSpan,
    State.ENDED: EndedSpan,
    State.EXPORTED: ExportedSpan,
}


# ---- Waiting ----


def _deadline(timeout: float) -> float:
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if not number or not isfinite(timeout) or timeout < 0:
        raise ValueError(f"timeout: {timeout!r} is not a number of seconds, 0 or more")
    return monotonic() + min(timeout, WAIT_MAX)


def _wait(ended: EndedSpan, timeout: float) -> ExportedSpan:
    deadline = _deadline(timeout)
    left = 1.0
    while left > 0 and _pending(ended):
        left = max(deadline - monotonic(), 0)
        waiter = _waiter(ended, left)
        if waiter is None:
            return _receipt(ended, timeout, early=True)
        try:
            waiter.sleep_at_most(LOOK)
        finally:
            waiter.leave()
    return _receipt(ended, timeout)


async def _wait_async(ended: EndedSpan, timeout: float) -> ExportedSpan:
    import asyncio

    deadline = _deadline(timeout)
    loop = asyncio.get_running_loop()
    left = 1.0
    while left > 0 and _pending(ended):
        woken: Future[None] = loop.create_future()

        def wake(future: Future[None] = woken) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_finish, future)

        left = max(deadline - monotonic(), 0)
        waiter = _waiter(ended, left, wake)
        if waiter is None:
            return _receipt(ended, timeout, early=True)
        try:
            while not waiter.known() and not woken.done() and (left := deadline - monotonic()) > 0:
                await asyncio.wait((woken,), timeout=min(left, LOOK))
        finally:
            waiter.leave()
    return _receipt(ended, timeout)


def _waiter(ended: EndedSpan, timeout: float, wake: Callable[[], None] | None = None) -> Any:
    """Has it sent; None where nothing does that, or has done so already."""
    pipeline = native.pipeline_of(ended)
    return None if pipeline is None else pipeline.wait_for(lambda: not _pending(ended), timeout, wake)


def _finish(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _pending(ended: EndedSpan) -> bool:
    return native.outcome(ended)[0] == "pending"


def _receipt(ended: EndedSpan, timeout: float, early: bool = False) -> ExportedSpan:
    """What became of it by now, as an answer or as an exception."""
    context = ended.get_span_context()
    span = f"span {native.told_of(ended)[0][:NAME_SHOWN]!r} of trace {format_trace_id(context.trace_id)}"
    found = native.outcome(ended)
    if found[0] == "exported":
        _, at, endpoint = found
        return ExportedSpan(context.trace_id, context.span_id, at, endpoint)
    if found[0] == "rejected":
        _, rejected, records, endpoint = found
        raise Rejected(
            f"{span}: the receiver at {endpoint} rejected {rejected} of the {records} spans of its request"
            + (", and did not say which" if rejected < records else ""),
            context,
            rejected,
            records,
        )
    if found[0] == "dropped":
        reason = found[1]
        meaning = _MORE.get(reason) or MEANINGS.get(reason, "")
        raise Dropped(f"{span}: dropped as {reason!r}: {meaning}", context, reason)
    if found[0] == "not sampled":
        raise NotSampled(f"{span}: it was not to be sent, by its sampler's decision", context)
    if found[0] == "elsewhere":
        raise WaitTimeout(
            f"{span}: another process began it, and alone records it and learns what becomes of it", context
        )
    if early:
        raise WaitTimeout(f"{span}: nothing sends it here any more, or not while this thread waits", context)
    raise WaitTimeout(f"{span}: not settled within {timeout:g} s; it may still be sent", context)


_MORE = {
    "shutdown": "it was not sent when the exporter was shut down, or ended later",
    "no_exporter": "no exporter of otlp_lite is set up",
    "no_provider": "otlp_lite was not set up when it started, or is disabled",
}

native.face(_misused, _wait, _wait_async)
for _state, _type in _TYPES.items():
    for _call in states.illegal(_state):
        native.put(_type, _call, _Illegal(_state, _call))
