"""A tracer, and the account of what was begun with it: at the end each span must be exported, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import Span, TracerProvider

from otlp_lite.assemble import build
from otlp_lite.config import load
from otlp_lite.export.memory import Memory

Deed = Callable[["World"], object]


def nothing(world: World) -> None:
    """What user code does at most points of a program."""


class World:
    """`act()` is what user code does wherever an SDK calls it: the deed of the moment, nested at most twice.

    Provider, tracer and span are of any type: a deed may call them as no type checker would let it.
    """

    DEPTH = 2

    def __init__(self, provider: TracerProvider) -> None:
        self.provider: Any = provider
        self.tracer: Any = provider.get_tracer("world")
        self.deed: Deed = nothing
        self.again: Deed = nothing
        """The call that leads to `act()`, for a deed that recurses."""
        self.acted = 0
        self.begun: list[int] = []
        """Ids of the spans that a call has returned."""
        self._depth = 0
        self._open: list[Span] = []
        self.span: Any = self.begin("live")
        """A live span, which the deed may spoil."""

    def act(self) -> None:
        self.acted += 1
        if self._depth < self.DEPTH:
            self._depth += 1
            try:
                self.deed(self)
            finally:
                self._depth -= 1

    def begin(self, name: Any = "span", **arguments: Any) -> Any:
        """A span that is ended, if not before, when all is over."""
        span: Span = self.tracer.start_span(name, **arguments)
        self.begun.append(span.get_span_context().span_id)
        self._open.append(span)
        return span

    @contextmanager
    def current(self, name: Any = "current", **arguments: Any) -> Iterator[Span]:
        with self.tracer.start_as_current_span(name, **arguments) as span:
            self.begun.append(span.get_span_context().span_id)
            yield span

    def replace(self) -> None:
        """Ends the live span and lets go of it; another takes its place."""
        new = self.begin("live")
        old, self.span = self.span, new
        self._open = [span for span in self._open if span is not old]
        old.end()

    def end_all(self) -> None:
        for span in self._open:
            if span.is_recording():
                span.end()


class Ours(World):
    """otlp_lite with a pipeline that keeps what it would send."""

    def __init__(self, **settings: Any) -> None:
        self._carrier = Memory()
        self.bodies = self._carrier.bodies
        arguments = {"schedule_delay": 60.0, "sampler": "always_on", **settings}
        self.telemetry = build(load(arguments, {}), lambda config: self._carrier)
        super().__init__(self.telemetry.tracer_provider)

    def close(self) -> Counter[int]:
        """Ends all, and returns how often each span id was exported. Every body decodes."""
        self.deed = nothing
        self.end_all()
        assert self.telemetry.shutdown(5)
        requests = [ExportTraceServiceRequest.FromString(body) for body in self._carrier.bodies]
        return Counter(
            int.from_bytes(span.span_id, "big")
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        )

    def settle(self, others: int = 0) -> None:
        """Closes; what was begun is exported once each, beside `others` spans, and the counters say so."""
        exported = self.close()
        assert self.begun and len(set(self.begun)) == len(self.begun)
        assert {number: exported[number] for number in self.begun} == dict.fromkeys(self.begun, 1)
        assert exported.total() == len(self.begun) + others
        traces = self.telemetry.stats().traces
        assert (traces.recorded, traces.exported) == (exported.total(), exported.total())
        assert (dict(traces.dropped), traces.pending, traces.rejected) == ({}, 0, 0)
