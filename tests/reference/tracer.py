"""A slow, obvious tracer: what the API's calls must export, as the model that the encoder writes."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes as ApiAttributes

from . import encoder
from .encoder import Value

Note = Callable[[str], None]
"""Called with the name of each unusual thing that happens, so that a test can count what it exercised."""

UNSET = -1
"""No limit; for `max_attributes`, which only others fall back on, it means not given."""


DEEPEST = 31
"""Arrays and mappings that may be within each other: a mapping takes 3 messages, decoders give up at 100."""


class _OutOfRange(Exception):
    """An integer that no AnyValue can hold."""


def text(string: str) -> str:
    """`string` as UTF-8 can carry it."""
    return re.sub("[\ud800-\udfff]", "\ufffd", string)


class IdGenerator(Protocol):
    def generate_trace_id(self) -> int: ...
    def generate_span_id(self) -> int: ...
    def is_trace_id_random(self) -> bool: ...


class Sampler(Protocol):
    """Any sampler of the stock SDK's shape."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: ApiAttributes = None,
        links: Sequence[trace.Link] | None = None,
    ) -> Any: ...


@dataclass(frozen=True)
class Limit:
    value: int | None
    setting: str

    def exceeded_by(self, size: int) -> bool:
        return self.value is not None and size > self.value


class Limits:
    """The limits in force: a particular setting wins over the general one, and that over 128."""

    def __init__(self, given: Mapping[str, int]) -> None:
        self.given = given
        self.events = self.count("max_events", "default events")
        self.links = self.count("max_links", "default links")
        self.span_attributes = self.count("max_span_attributes", "default span attributes", "max_attributes")
        self.event_attributes = self.count(
            "max_event_attributes", "default event attributes", "max_attributes"
        )
        self.link_attributes = self.count("max_link_attributes", "default link attributes", "max_attributes")
        self.length = self.characters("max_attribute_length")
        self.span_length = self.characters("max_span_attribute_length", "max_attribute_length")

    def count(self, setting: str, default: str, general: str = "") -> Limit:
        if setting in self.given:
            return Limit(self.bound(setting), setting)
        if self.bound(general) is not None:
            return Limit(self.bound(general), general)
        return Limit(128, default)

    def characters(self, *settings: str) -> Limit:
        setting = next((setting for setting in settings if setting in self.given), settings[0])
        return Limit(self.bound(setting), setting)

    def bound(self, setting: str) -> int | None:
        value = self.given.get(setting, UNSET)
        return None if value == UNSET else value


NO_LIMIT = Limit(None, "")


class AttributeMap:
    """Attributes in the order in which they were last set; when full, the oldest makes room."""

    def __init__(self, given: ApiAttributes, count: Limit, length: Limit, note: Note) -> None:
        self.count, self.length, self.note = count, length, note
        self.entries: dict[str, Value] = {}
        self.dropped = 0
        if given:
            self.update(given)

    def set(self, key: str, value: object) -> None:
        if self.count.value == 0:
            self.drop(1)
        elif not key or not isinstance(key, str):
            self.dropped += 1
        else:
            try:
                self.put(text(key), self.clean(value))
            except _OutOfRange:
                self.dropped += 1

    def update(self, given: Mapping[Any, object]) -> None:
        if self.count.value == 0:
            self.drop(len(given))
            return
        cleaned: dict[str, Value] = {}
        for key, value in given.items():
            name = self.key(key)
            if name is not None:
                with suppress(_OutOfRange):
                    cleaned[name] = self.clean(value)
        self.dropped += len(given) - len(cleaned)
        for name, member in cleaned.items():
            self.put(name, member)

    def put(self, key: str, value: Value) -> None:
        self.entries.pop(key, None)
        if self.count.exceeded_by(len(self.entries) + 1):
            del self.entries[next(iter(self.entries))]
            self.drop(1)
        self.entries[key] = value

    def drop(self, count: int) -> None:
        self.note(f"limit {self.count.setting}")
        self.dropped += count

    def key(self, key: object) -> str | None:
        """The key of a mapping as text, None if it has none and the entry goes."""
        if not key:
            return None
        if isinstance(key, str):
            return text(key)
        return text(str(key)) if has_text(key) else None

    def clean(self, value: object, depth: int = 0) -> Value:
        """A copy of `value` in the types of the wire; what is foreign becomes its text, or null without one.

        `depth` is the number of arrays and mappings around it.
        """
        if isinstance(value, str):
            return text(self.cut(value))
        if isinstance(value, int):
            if not -(2**63) <= value < 2**63:
                self.note("integer beyond 64 bits")
                raise _OutOfRange
            return value
        if value is None or isinstance(value, (float, bytes)):
            return value
        if depth == DEEPEST:
            self.note("nested too deep")
            return None
        if isinstance(value, Sequence):
            return tuple(self.clean(element, depth + 1) for element in value)
        if isinstance(value, Mapping):
            names = ((self.key(key), member) for key, member in value.items())
            return {name: self.clean(member, depth + 1) for name, member in names if name is not None}
        if not has_text(value):
            self.note("unsupported as null")
            return None
        try:
            shown = str(value)
        except Exception:
            self.note("__str__ raises")
            return None
        self.note("unsupported as text")
        return text(self.cut(shown))

    def cut(self, value: str) -> str:
        if self.length.exceeded_by(len(value)):
            self.note(f"limit {self.length.setting}")
        return value[: self.length.value]


def has_text(value: object) -> bool:
    """Whether str() of it says more than its type and address."""
    return type(value).__str__ is not object.__str__ or type(value).__repr__ is not object.__repr__


def remote_flags(context: SpanContext | None) -> int:
    """Span.flags: 0x100 says that whether the context is remote is known, 0x200 that it is."""
    return 0x300 if context is not None and context.is_remote else 0x100


class Provider(trace.TracerProvider):
    """`resource` is sent as it is, but cleaned."""

    def __init__(
        self,
        *,
        sampler: Sampler,
        id_generator: IdGenerator,
        limits: Mapping[str, int],
        resource: ApiAttributes,
        note: Note,
    ) -> None:
        self.sampler, self.ids, self.limits, self.note = sampler, id_generator, Limits(limits), note
        self.request = encoder.Request(AttributeMap(resource, NO_LIMIT, NO_LIMIT, note).entries)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: ApiAttributes = None,
    ) -> Tracer:
        scope = encoder.ScopeSpans(
            text(instrumenting_module_name or ""),
            text(instrumenting_library_version or ""),
            text(schema_url or ""),
            AttributeMap(attributes, NO_LIMIT, NO_LIMIT, self.note).entries,
        )
        return Tracer(self, scope)

    def export(self, scope: encoder.ScopeSpans, span: encoder.Span) -> None:
        def identity(other: encoder.ScopeSpans) -> object:
            return other.name, other.version, other.schema_url, other.attributes

        same = [other for other in self.request.scopes if identity(other) == identity(scope)]
        if not same:
            self.request.scopes.append(scope)
        (same or [scope])[0].spans.append(span)


class Tracer(trace.Tracer):
    def __init__(self, provider: Provider, scope: encoder.ScopeSpans) -> None:
        self.provider, self.scope = provider, scope

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: ApiAttributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        provider = self.provider
        parent: SpanContext | None = trace.get_current_span(context).get_span_context()
        if parent is not None and not parent.is_valid:
            parent = None
        trace_id = parent.trace_id if parent else provider.ids.generate_trace_id()
        result = provider.sampler.should_sample(context, trace_id, name, kind, attributes, links)
        own = SpanContext(
            trace_id,
            provider.ids.generate_span_id(),
            is_remote=False,
            trace_flags=TraceFlags(
                TraceFlags.SAMPLED if result.decision.is_sampled() else TraceFlags.DEFAULT
            ),
            trace_state=result.trace_state,
        )
        if not result.decision.is_recording():
            return NonRecordingSpan(own)
        assert start_time is not None, "the model has no clock"
        return Span(self, own, parent, name, kind, result.attributes, links or (), start_time)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("the model has no current span")


class Span(trace.Span):
    def __init__(
        self,
        tracer: Tracer,
        context: SpanContext,
        parent: SpanContext | None,
        name: str,
        kind: SpanKind,
        attributes: ApiAttributes,
        links: Iterable[trace.Link],
        start_time: int,
    ) -> None:
        self.tracer, self.context, self.parent = tracer, context, parent
        self.name, self.kind, self.start_time = name, kind, start_time
        self.limits, self.note = tracer.provider.limits, tracer.provider.note
        self.attributes = AttributeMap(
            attributes, self.limits.span_attributes, self.limits.span_length, self.note
        )
        self.status = encoder.Status()
        self.events: list[encoder.Event] = []
        self.links: list[encoder.Link] = []
        self.dropped_events = self.dropped_links = 0
        self.ended = False
        for link in links:
            self.link(link.context, link.attributes, "link at start")

    def get_span_context(self) -> SpanContext:
        return self.context

    def is_recording(self) -> bool:
        return not self.ended

    def set_attribute(self, key: str, value: Any) -> None:
        if not self.ended:
            self.attributes.set(key, value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if not self.ended:
            self.attributes.update(attributes)

    def update_name(self, name: str) -> None:
        if not self.ended:
            self.name = name

    def set_status(self, status: trace.Status | StatusCode, description: str | None = None) -> None:
        """A description counts only with ERROR; OK is final; UNSET is not a change."""
        if isinstance(status, StatusCode):
            status = trace.Status(status, description)
        if self.ended or self.status.code == StatusCode.OK.value or status.is_unset:
            return
        self.status = encoder.Status(status.status_code.value, text(status.description or ""))

    def add_event(self, name: str, attributes: ApiAttributes = None, timestamp: int | None = None) -> None:
        if self.ended:
            return
        assert timestamp is not None, "the model has no clock"
        entries = AttributeMap(attributes, self.limits.event_attributes, self.limits.length, self.note)
        self.events.append(encoder.Event(text(name), timestamp, entries.entries, entries.dropped))
        if self.limits.events.exceeded_by(len(self.events)):
            del self.events[0]
            self.dropped_events += 1
            self.note(f"limit {self.limits.events.setting}")

    def record_exception(
        self,
        exception: BaseException,
        attributes: ApiAttributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        kind = type(exception)
        module = "" if kind.__module__ in (None, "", "builtins") else f"{kind.__module__}."
        described: dict[str, Any] = {
            "exception.type": module + kind.__qualname__,
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**described, **(attributes or {})}, timestamp)

    def add_link(self, context: SpanContext, attributes: ApiAttributes = None) -> None:
        if not self.ended:
            self.link(context, attributes, "link after start")

    def link(self, context: SpanContext, attributes: ApiAttributes, note: str) -> None:
        if not (context.is_valid or attributes or context.trace_state):
            return
        entries = AttributeMap(attributes, self.limits.link_attributes, self.limits.length, self.note)
        ids = context.trace_id.to_bytes(16, "big"), context.span_id.to_bytes(8, "big")
        flags = remote_flags(context)
        self.note(note)
        self.links.append(
            encoder.Link(*ids, flags, attributes=entries.entries, dropped_attributes=entries.dropped)
        )
        if self.limits.links.exceeded_by(len(self.links)):
            del self.links[0]
            self.dropped_links += 1
            self.note(f"limit {self.limits.links.setting}")

    def end(self, end_time: int | None = None) -> None:
        if self.ended:
            return
        assert end_time is not None, "the model has no clock"
        self.ended = True
        if self.context.trace_flags.sampled:
            self.tracer.provider.export(self.tracer.scope, self.record(end_time))

    def record(self, end_time: int) -> encoder.Span:
        return encoder.Span(
            trace_id=self.context.trace_id.to_bytes(16, "big"),
            span_id=self.context.span_id.to_bytes(8, "big"),
            name=text(self.name),
            kind=self.kind.value + 1,
            start=self.start_time,
            end=end_time,
            flags=remote_flags(self.parent),
            trace_state=",".join(f"{key}={value}" for key, value in self.context.trace_state.items()),
            parent_span_id=self.parent.span_id.to_bytes(8, "big") if self.parent else b"",
            attributes=self.attributes.entries,
            dropped_attributes=self.attributes.dropped,
            events=self.events,
            dropped_events=self.dropped_events,
            links=self.links,
            dropped_links=self.dropped_links,
            status=self.status,
        )


@dataclass(frozen=True)
class Decision:
    sampled: bool

    def is_sampled(self) -> bool:
        return self.sampled

    def is_recording(self) -> bool:
        return self.sampled


@dataclass(frozen=True)
class Sampled:
    decision: Decision
    attributes: ApiAttributes
    trace_state: TraceState | None


@dataclass(frozen=True)
class RatioSampler:
    """Samples the traces whose low 64 bits, as a fraction, lie under `ratio`: all at 1, none at 0.

    With `parent_based`, a span that has a parent is sampled if the parent is.
    """

    ratio: float
    parent_based: bool

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: ApiAttributes = None,
        links: Sequence[trace.Link] | None = None,
    ) -> Sampled:
        parent = trace.get_current_span(parent_context).get_span_context()
        sampled = trace_id % 2**64 < round(self.ratio * 2**64)
        if parent.is_valid and self.parent_based:
            sampled = parent.trace_flags.sampled
        return Sampled(Decision(sampled), attributes, parent.trace_state if parent.is_valid else None)
