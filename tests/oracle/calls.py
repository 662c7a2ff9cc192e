"""A program as data: calls of the OpenTelemetry API with explicit times, and their run on any provider."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

AttributesGiven = Mapping[Any, Any]


class Ids(IdGenerator):
    """The same ids again from the same seed; one in four is as small or as large as ids get."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def generate_trace_id(self) -> int:
        return self.generate(128)

    def generate_span_id(self) -> int:
        return self.generate(64)

    def is_trace_id_random(self) -> bool:
        return False

    def generate(self, bits: int) -> int:
        edge = self.random.choice([1, 2**bits - 1] + [None] * 6)
        return edge or self.random.randrange(1, 2 ** self.random.choice([bits, bits, bits - 8]))


@dataclass(frozen=True)
class Scope:
    name: str
    version: str | None = None
    schema_url: str | None = None
    attributes: AttributesGiven | None = None


@dataclass(frozen=True)
class Outside:
    """The context of a span that another process, or another SDK in this one, began."""

    trace_id: int
    span_id: int
    sampled: bool = True
    state: tuple[tuple[str, str], ...] = ()
    remote: bool = True

    def context(self) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED if self.sampled else TraceFlags.DEFAULT)
        return SpanContext(self.trace_id, self.span_id, self.remote, flags, TraceState(self.state))


@dataclass(frozen=True)
class LinkTo:
    context: Outside
    attributes: AttributesGiven | None = None


Parent = Outside | int | None
"""An int is the index of a span of the same program."""


class Run:
    """One execution. Spans are numbered as they start; an index past the last one starts over."""

    def __init__(self, provider: trace.TracerProvider, scopes: tuple[Scope, ...]) -> None:
        self.lent: list[Any] = []
        self.spans: list[trace.Span] = []
        self.tracers = []
        for scope in scopes:
            attributes = self.lend(scope.attributes)
            self.tracers.append(provider.get_tracer(scope.name, scope.version, scope.schema_url, attributes))
            self.take_back()

    def span(self, index: int) -> trace.Span:
        return self.spans[index % len(self.spans)] if self.spans else trace.INVALID_SPAN

    def parent_context(self, parent: Parent) -> Context:
        if parent is None:
            return Context()
        span = self.span(parent) if isinstance(parent, int) else NonRecordingSpan(parent.context())
        return trace.set_span_in_context(span, Context())

    def link(self, link: LinkTo) -> trace.Link:
        return trace.Link(link.context.context(), self.lend(link.attributes))

    def lend(self, value: Any) -> Any:
        """A copy of the containers in `value`, emptied when the call is over: an SDK must keep its own."""
        if type(value) is tuple:
            return tuple(self.lend(element) for element in value)
        if type(value) is list:
            copy: Any = [self.lend(element) for element in value]
        elif type(value) is dict:
            copy = {key: self.lend(element) for key, element in value.items()}
        else:
            return value
        self.lent.append(copy)
        return copy

    def take_back(self) -> None:
        for container in self.lent:
            container.clear()
        self.lent.clear()


@dataclass(frozen=True)
class Start:
    name: str
    time: int
    scope: int = 0
    kind: SpanKind = SpanKind.INTERNAL
    parent: Parent = None
    attributes: AttributesGiven | None = None
    links: tuple[LinkTo, ...] = ()

    def __call__(self, run: Run) -> None:
        links = [run.link(link) for link in self.links]
        tracer = run.tracers[self.scope % len(run.tracers)]
        context, attributes = run.parent_context(self.parent), run.lend(self.attributes)
        run.spans.append(tracer.start_span(self.name, context, self.kind, attributes, links, self.time))


@dataclass(frozen=True)
class SetAttribute:
    span: int
    key: Any
    value: Any

    def __call__(self, run: Run) -> None:
        run.span(self.span).set_attribute(self.key, run.lend(self.value))


@dataclass(frozen=True)
class SetAttributes:
    span: int
    attributes: AttributesGiven

    def __call__(self, run: Run) -> None:
        run.span(self.span).set_attributes(run.lend(self.attributes))


@dataclass(frozen=True)
class AddEvent:
    span: int
    name: str
    time: int
    attributes: AttributesGiven | None = None

    def __call__(self, run: Run) -> None:
        run.span(self.span).add_event(self.name, run.lend(self.attributes), self.time)


@dataclass(frozen=True)
class AddLink:
    span: int
    link: LinkTo

    def __call__(self, run: Run) -> None:
        run.span(self.span).add_link(self.link.context.context(), run.lend(self.link.attributes))


@dataclass(frozen=True)
class UpdateName:
    span: int
    name: str

    def __call__(self, run: Run) -> None:
        run.span(self.span).update_name(self.name)


@dataclass(frozen=True)
class SetStatus:
    """`whole`: the call passes a Status, and beside it a description that is to be ignored."""

    span: int
    code: StatusCode
    description: str | None = None
    whole: bool = False

    def __call__(self, run: Run) -> None:
        if self.whole:
            run.span(self.span).set_status(Status(self.code, self.description), "ignored")
        else:
            run.span(self.span).set_status(self.code, self.description)


@dataclass(frozen=True)
class RecordException:
    span: int
    exception: BaseException
    time: int
    attributes: AttributesGiven | None = None
    escaped: bool = False

    def __call__(self, run: Run) -> None:
        attributes = run.lend(self.attributes)
        run.span(self.span).record_exception(self.exception, attributes, self.time, self.escaped)


@dataclass(frozen=True)
class End:
    span: int
    time: int

    def __call__(self, run: Run) -> None:
        run.span(self.span).end(self.time)


Call = (
    Start | SetAttribute | SetAttributes | AddEvent | AddLink | UpdateName | SetStatus | RecordException | End
)

DEFAULT_RESOURCE = {"service.name": "oracle", "service.instance.id": "0"}


@dataclass(frozen=True)
class Program:
    """`limits` are the keywords of SpanLimits, -1 for UNSET; `sampler` is a name in sdks.SAMPLERS."""

    calls: tuple[Call, ...]
    scopes: tuple[Scope, ...] = (Scope("scope"),)
    limits: Mapping[str, int] = field(default_factory=dict)
    sampler: str = "parentbased_always_on"
    resource: AttributesGiven = field(default_factory=lambda: DEFAULT_RESOURCE)
    seed: int = 0

    def run(self, provider: trace.TracerProvider) -> None:
        run = Run(provider, self.scopes)
        for call in self.calls:
            call(run)
            run.take_back()
