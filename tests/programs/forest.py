"""The canonical form of what a program exported: random ids become relations, clock times become an order."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from .stacks import without_sdk_frames

Node: TypeAlias = "dict[str, Node | str]"

LONGEST = 4000  # characters of a string that are shown; a longer one is told by its length and digest
PER_SDK = ("telemetry.sdk.", "service.instance.id")  # resource attributes that no two SDKs share
HEX_ID = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])")


class Ordered(dict[str, "Node | str"]):
    """A node whose order of keys is part of its value."""


class Moments(Ordered):
    """The clock reads of a program in order of time; their order alone is compared."""


@dataclass(frozen=True)
class Fixed:
    """What is not random in an export: ids that the program spells, and times outside its run."""

    ids: frozenset[str]
    window: tuple[int, int]  # ns, of the wall clock
    sequential: bool  # whether the program's spans start, and end, in one order


@dataclass(frozen=True)
class Sent:
    """A span as it arrived, under its scope."""

    span: Span
    scope: InstrumentationScope
    schema_url: str


def unique(names: Iterable[str]) -> list[str]:
    """The names, the second of a kind and later ones numbered: a, b, a~2."""
    seen: Counter[str] = Counter()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return labels


def shown(text: str) -> str:
    """A printable form that two different texts do not share."""
    if len(text) <= LONGEST:
        return repr(text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[:60]!r}... ({len(text)} characters, sha256 {digest})"


def value_text(value: AnyValue, clean: Callable[[str], str] = str) -> str:
    """The type and value of an attribute."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return f"str {shown(clean(value.string_value))}"
    if kind == "bytes_value":
        return f"bytes {shown(value.bytes_value.hex())}"
    if kind == "array_value":
        return f"[{', '.join(value_text(item, clean) for item in value.array_value.values)}]"
    if kind == "kvlist_value":
        items = (f"{pair.key!r}: {value_text(pair.value, clean)}" for pair in value.kvlist_value.values)
        return f"{{{', '.join(items)}}}"
    if kind is None:
        return "empty"
    return f"{kind.removesuffix('_value')} {getattr(value, kind)!r}"


def attributes_node(pairs: Sequence[KeyValue], clean: Callable[[str], str] = str) -> Ordered:
    node = Ordered()
    for label, pair in zip(unique(shown(pair.key)[1:-1] for pair in pairs), pairs, strict=True):
        stack = pair.key == "exception.stacktrace"
        node[label] = value_text(
            pair.value, (lambda text: clean(without_sdk_frames(text))) if stack else clean
        )
    return node


class Forest:
    """The spans of one run, put in an order that does not depend on random ids, and named in that order."""

    def __init__(self, bodies: Sequence[bytes], fixed: Fixed) -> None:
        self.fixed = fixed
        self.sent: list[Sent] = []
        self.resources: list[tuple[Resource, str]] = []
        for body in bodies:
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                if (of_resource.resource, of_resource.schema_url) not in self.resources:
                    self.resources.append((of_resource.resource, of_resource.schema_url))
                for of_scope in of_resource.scope_spans:
                    place = (of_scope.scope, of_scope.schema_url)
                    self.sent += (Sent(span, *place) for span in of_scope.spans)
        self._sort()
        self.labels = unique(shown(sent.span.name)[1:-1] for sent in self.sent)
        self._spans: dict[str, str] = {}
        self._traces: dict[str, str] = {}
        for sent, label in zip(self.sent, self.labels, strict=True):
            self._spans.setdefault(sent.span.span_id.hex(), label)
            self._traces.setdefault(sent.span.trace_id.hex(), label)
        self._strangers: dict[str, int] = {}

    def _sort(self) -> None:
        """Parents before children, siblings by start; in a concurrent program by what their subtrees hold."""
        parents = {sent.span.span_id for sent in self.sent}
        children: dict[bytes, list[Sent]] = {}
        for sent in self.sent:
            parent = sent.span.parent_span_id
            children.setdefault(parent if parent in parents else b"", []).append(sent)

        def content(sent: Sent) -> str:
            below = sorted(content(child) for child in children.get(sent.span.span_id, ()))
            events = [(event.name, self.time(event.time_unix_nano)) for event in sent.span.events]
            own = (sent.span.name, self.time(sent.span.start_time_unix_nano), sent.scope.name)
            return repr((own, attributes_node(sent.span.attributes), events, below))

        def start(sent: Sent) -> tuple[int, str]:
            return (sent.span.start_time_unix_nano, sent.span.name)

        def in_order(siblings: list[Sent]) -> list[Sent]:
            return sorted(siblings, key=start if self.fixed.sequential else content)

        ordered: list[Sent] = []
        ahead = in_order(children.get(b"", []))[::-1]
        while ahead:
            sent = ahead.pop()
            ordered.append(sent)
            ahead += in_order(children.pop(sent.span.span_id, []))[::-1]
        children.pop(b"", None)
        self.sent = ordered + [sent for in_a_circle in children.values() for sent in in_a_circle]

    def time(self, nanoseconds: int) -> str:
        first, last = self.fixed.window
        return "clock" if first <= nanoseconds <= last else str(nanoseconds)

    def _stranger(self, identity: str) -> str:
        if identity in self.fixed.ids or not identity.strip("0"):
            return identity
        return f"unknown {self._strangers.setdefault(identity, len(self._strangers) + 1)}"

    def span_ref(self, span_id: bytes) -> str:
        if not span_id:
            return "none"
        label = self._spans.get(span_id.hex())
        return self._stranger(span_id.hex()) if label is None else f"span {label}"

    def trace_ref(self, trace_id: bytes) -> str:
        label = self._traces.get(trace_id.hex())
        if label is None or trace_id.hex() in self.fixed.ids:
            return self._stranger(trace_id.hex())
        return f"trace of {label}"

    def clean(self, text: str) -> str:
        """The text with the random ids of exported spans and traces replaced by what they stand for."""

        def known(found: re.Match[str]) -> str:
            identity = found[0]
            labels = self._traces if len(identity) == 32 else self._spans
            if identity in self.fixed.ids or identity not in labels:
                return identity
            return f"<{'trace of' if len(identity) == 32 else 'span'} {labels[identity]}>"

        return HEX_ID.sub(known, text)

    def moments(self) -> Moments:
        """Every clock read of every span in order of time."""
        reads: list[tuple[int, str]] = []
        for sent, label in zip(self.sent, self.labels, strict=True):
            span = sent.span
            reads.append((span.start_time_unix_nano, f"start of {label}"))
            events = unique(event.name for event in span.events)
            for event, name in zip(span.events, events, strict=True):
                reads.append((event.time_unix_nano, f"event {name} of {label}"))
            reads.append((span.end_time_unix_nano, f"end of {label}"))
        clock = [read for read in reads if self.time(read[0]) == "clock"]
        return Moments((name, "") for _, name in sorted(clock, key=lambda read: read[0]))

    def span_node(self, sent: Sent) -> Node:
        span, scope = sent.span, sent.scope
        times = [
            span.start_time_unix_nano,
            *(event.time_unix_nano for event in span.events),
            span.end_time_unix_nano,
        ]
        reads = [time for time in times if self.time(time) == "clock"]
        events, links = Ordered(), Ordered()
        for label, event in zip(
            unique(shown(event.name)[1:-1] for event in span.events), span.events, strict=True
        ):
            events[label] = {
                "time": self.time(event.time_unix_nano),
                "attributes": attributes_node(event.attributes, self.clean),
                "dropped attributes": str(event.dropped_attributes_count),
            }
        for number, link in enumerate(span.links, 1):
            links[str(number)] = {
                "span": self.span_ref(link.span_id),
                "trace": self.trace_ref(link.trace_id),
                "trace state": shown(link.trace_state),
                "flags": hex(link.flags),
                "attributes": attributes_node(link.attributes, self.clean),
                "dropped attributes": str(link.dropped_attributes_count),
            }
        return {
            "parent": self.span_ref(span.parent_span_id),
            "trace": self.trace_ref(span.trace_id),
            "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
            "start": self.time(span.start_time_unix_nano),
            "end": self.time(span.end_time_unix_nano),
            "clock reads": "in order" if reads == sorted(reads) else "out of order",
            "status": Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
            "description": shown(self.clean(span.status.message)),
            "flags": hex(span.flags),
            "trace state": shown(span.trace_state),
            "attributes": attributes_node(span.attributes, self.clean),
            "events": events,
            "links": links,
            "dropped attributes": str(span.dropped_attributes_count),
            "dropped events": str(span.dropped_events_count),
            "dropped links": str(span.dropped_links_count),
            "scope": {
                "name": shown(scope.name),
                "version": shown(scope.version),
                "schema URL": shown(sent.schema_url),
                "attributes": attributes_node(scope.attributes),
                "dropped attributes": str(scope.dropped_attributes_count),
            },
        }


def resource_node(resource: Resource, schema_url: str) -> Node:
    pairs = sorted(resource.attributes, key=lambda pair: pair.key)
    shared = [pair for pair in pairs if not pair.key.startswith(PER_SDK)]
    return {
        "attributes": dict(attributes_node(shared)),
        "schema URL": shown(schema_url),
        "dropped attributes": str(resource.dropped_attributes_count),
    }


def canonical(bodies: Sequence[bytes], stdout: str, fixed: Fixed) -> Node:
    """Everything that is compared of one run."""
    forest = Forest(bodies, fixed)
    lines = forest.clean(stdout).splitlines()
    resources = unique("resource" for _ in forest.resources)
    node: Node = {
        label: resource_node(*resource) for label, resource in zip(resources, forest.resources, strict=True)
    }
    node["stdout"] = {f"line {number}": line for number, line in enumerate(lines, 1)}
    node["spans"] = {
        label: forest.span_node(sent) for label, sent in zip(forest.labels, forest.sent, strict=True)
    }
    if fixed.sequential:
        node["moments"] = forest.moments()
    return node
