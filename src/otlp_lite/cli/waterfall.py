"""Arriving spans as text: gathered until their trace is quiet, then drawn as a tree with duration bars."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from otlp_lite.cli.otlp import (
    AnyValue,
    ArrayValue,
    KeyValueList,
    ResourceSpans,
    Span,
    StringIndex,
    TracesRequest,
)

QUIET_SECONDS = 0.3
"""A trace that has its root and every parent is drawn when nothing came for this long."""

PATIENCE_SECONDS = 6.0
"""Any other trace: exporters batch for 5 s by default, and its spans may come from several processes."""

MAX_PENDING_SPANS = 20_000
MAX_DRAWN_SPANS = 100
MAX_REMEMBERED_TRACES = 10_000

KIND_WIDTH, TIME_WIDTH = 8, 10
WIDE = 100
MAX_INDENT = 8

KINDS = {0: "", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
ERROR = 2

# Left out unless asked for by name: what instrumentations say of every request alike.
COMMON = (
    "client.", "code.", "http.flavor", "http.host", "http.method", "http.request.method", "http.route",
    "http.scheme", "http.server_name", "http.target", "http.user_agent", "net.", "network.", "server.",
    "thread.", "url.scheme", "user_agent.",
)  # fmt: skip


class Style(NamedTuple):
    width: int = 120
    unicode: bool = True
    colour: bool = False
    attributes: tuple[str, ...] = ()
    """Keys to show, in this order; none: all but the COMMON ones."""

    def widths(self) -> tuple[int, int, int]:
        """Columns for the name, the bar and the details of a span."""
        name, bar = (36, 20) if self.width >= WIDE else (28, 10)
        return name, bar, max(self.width - name - bar - KIND_WIDTH - TIME_WIDTH - 7, 10)


class Row(NamedTuple):
    span: Span
    service: str


@dataclass(slots=True)
class Trace:
    """The spans of one trace that wait to be drawn, by span id."""

    trace_id: bytes
    first: float
    last: float = 0.0
    rows: dict[bytes, Row] = field(default_factory=dict)
    repeated: int = 0
    continued: bool = False
    complete: bool | None = None

    def is_complete(self) -> bool:
        if self.complete is None:
            parents = [row.span.parent_span_id for row in self.rows.values()]
            self.complete = b"" in parents and all(not parent or parent in self.rows for parent in parents)
        return self.complete


class Traces:
    """Spans in, whole traces out; past MAX_PENDING_SPANS the oldest trace comes out as it is."""

    def __init__(self) -> None:
        self._pending: dict[bytes, Trace] = {}
        self._spans = 0
        self._finished: dict[bytes, None] = {}

    def add(self, request: TracesRequest, now: float) -> dict[str, int]:
        """Returns how many spans came from each service."""
        counts: dict[str, int] = {}
        for group in request.resource_spans:
            service = service_name(group)
            for scope_spans in group.scope_spans:
                counts[service] = counts.get(service, 0) + len(scope_spans.spans)
                for span in scope_spans.spans:
                    self._add(Row(span, service), now)
        return counts

    def _add(self, row: Row, now: float) -> None:
        trace_id, span_id = row.span.trace_id, row.span.span_id
        trace = self._pending.get(trace_id)
        if trace is None:
            trace = self._pending[trace_id] = Trace(trace_id, now, continued=trace_id in self._finished)
        trace.last = now
        trace.complete = None
        if span_id in trace.rows:
            trace.repeated += 1
        else:
            trace.rows[span_id] = row
            self._spans += 1

    def due(self, now: float) -> Iterator[Trace]:
        """Takes out the traces that are ready to be drawn, the oldest first; at infinity, all."""
        for trace in list(self._pending.values()):
            quiet = now - trace.last
            ready = quiet >= PATIENCE_SECONDS or now - trace.first >= 2 * PATIENCE_SECONDS
            if ready or self._spans > MAX_PENDING_SPANS or (quiet >= QUIET_SECONDS and trace.is_complete()):
                del self._pending[trace.trace_id]
                self._spans -= len(trace.rows)
                self._finished[trace.trace_id] = None
                if len(self._finished) > MAX_REMEMBERED_TRACES:
                    del self._finished[next(iter(self._finished))]
                yield trace


def service_name(group: ResourceSpans) -> str:
    return next((text(kv.value) for kv in group.resource.attributes if kv.key == "service.name"), "unknown")


def escape(value: str) -> str:
    """`value` without what a terminal may obey or hide: C0, C1, DEL, bidi and other format controls."""
    if value.isprintable():
        return value
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in value)


def text(value: AnyValue) -> str:
    """A value on one line; not yet escaped."""
    inner = value.value
    if isinstance(inner, ArrayValue):
        return "[" + ", ".join(text(item) for item in inner.values) + "]"
    if isinstance(inner, KeyValueList):
        return "{" + ", ".join(f"{item.key}: {text(item.value)}" for item in inner.values) + "}"
    if isinstance(inner, bytes):
        return f"0x{inner.hex()}"
    if isinstance(inner, StringIndex):
        return f"string #{inner.index}"
    if isinstance(inner, bool) or inner is None:
        return {True: "true", False: "false", None: "(empty)"}[inner]
    return str(inner)


def columns(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(value: str, width: int, ellipsis: str) -> str:
    """`value`, escaped, cut or padded to `width` columns."""
    value = escape(value[: width + 1])
    used = sum(map(columns, value))
    if used <= width:
        return value + " " * (width - used)
    used = kept = 0
    while used + columns(value[kept]) <= width - len(ellipsis):
        used += columns(value[kept])
        kept += 1
    return value[:kept] + ellipsis + " " * (width - len(ellipsis) - used)


def duration(nanoseconds: int) -> str:
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if abs(nanoseconds) >= size:
            value = nanoseconds / size
            return f"{value:.2f} {unit}" if abs(value) < 10_000 else f"{value:.2g} {unit}"
    return f"{nanoseconds} ns"


def draw(trace: Trace, style: Style) -> list[str]:
    """The lines of one waterfall."""
    spans = [row.span for row in trace.rows.values()]
    start = min(span.start_time_unix_nano for span in spans)
    length = max(span.end_time_unix_nano for span in spans) - start
    services = sorted({row.service for row in trace.rows.values()})
    errors = sum(span.status.code == ERROR for span in spans)
    notes = [f"{len(spans)} span{'s' * (len(spans) > 1)}", duration(max(length, 0))]
    notes += [f"{errors} failed"] * (errors > 0) + [f"{trace.repeated} received again"] * (trace.repeated > 0)
    notes += ["continued"] * trace.continued
    ellipsis = "…" if style.unicode else "~"
    names = fit(", ".join(services), max(style.width - 80, 20), ellipsis).rstrip()
    header = fit(
        f"trace {trace.trace_id.hex()[:32] or '(no id)'}  {names}  {', '.join(notes)}", style.width, ellipsis
    )
    lines = [_coloured(header.rstrip(), "1", style)]
    for row, indent in _tree(trace, style.unicode):
        if len(lines) > MAX_DRAWN_SPANS:
            lines.append(f"  {ellipsis} and {len(spans) - MAX_DRAWN_SPANS} more spans")
            break
        shown_service = row.service if len(services) > 1 else ""
        lines.append(_line(row.span, indent, shown_service, start, max(length, 1), style))
    return lines


def _tree(trace: Trace, unicode: bool) -> Iterator[tuple[Row, str]]:
    """Rows in drawing order, each with its indentation. Loops and missing parents are drawn as roots."""
    branch, last, rail = ("├─ ", "└─ ", "│  ") if unicode else ("|- ", "`- ", "|  ")
    ordered = sorted(trace.rows.values(), key=lambda row: row.span.start_time_unix_nano)
    children: dict[bytes, list[Row]] = {}
    roots = []
    for row in ordered:
        parent = row.span.parent_span_id
        if parent in trace.rows and parent != row.span.span_id:
            children.setdefault(parent, []).append(row)
        else:
            roots.append(row)
    seen: set[bytes] = set()
    for root in roots + ordered:  # what no root leads to is a loop, and is entered where it begins
        stack = [(root, "", "", 0)]
        while stack:
            row, indent, rails, depth = stack.pop()
            if row.span.span_id in seen:
                continue
            seen.add(row.span.span_id)
            yield row, indent if depth <= MAX_INDENT else f"{rails}[{depth}] "
            below = children.get(row.span.span_id, [])
            for position, child in reversed(list(enumerate(below))):
                final = position == len(below) - 1
                deeper = rails if depth >= MAX_INDENT else rails + ("   " if final else rail)
                stack.append((child, rails + (last if final else branch), deeper, depth + 1))


def _line(span: Span, indent: str, service: str, start: int, length: int, style: Style) -> str:
    ellipsis = "…" if style.unicode else "~"
    name_width, bar_width, details_width = style.widths()
    name = fit(f"{indent}{span.name or '(no name)'}", name_width, ellipsis)
    kind = fit(KINDS.get(span.kind, f"kind {span.kind}"), KIND_WIDTH, ellipsis)
    took = span.end_time_unix_nano - span.start_time_unix_nano
    left = min((span.start_time_unix_nano - start) * bar_width // length, bar_width - 1)
    size = min(max(took * bar_width // length, 1), bar_width - left)
    full, empty = ("█", "·") if style.unicode else ("=", ".")
    bar = empty * left + full * size + empty * (bar_width - left - size)
    details = fit(_details(span, service, style), details_width, ellipsis).rstrip()
    details = _coloured(details, "31", style, span.status.code == ERROR)
    return f"  {name} {kind} {bar} {duration(took):>{TIME_WIDTH}}  {details}".rstrip()


def _details(span: Span, service: str, style: Style) -> str:
    """Status, service and the selected attributes."""
    parts = [f"@{service}"] if service else []
    if span.status.code == ERROR:
        parts.append(f"ERROR {span.status.message}".rstrip())
    elif span.status.code:
        parts.append("OK" if span.status.code == 1 else f"status {span.status.code}")
    values = {kv.key: kv.value for kv in span.attributes}
    keys: Sequence[str] = style.attributes or [key for key in values if not key.startswith(COMMON)]
    parts += [f"{key}={text(values[key])}" for key in keys if key in values]
    counts = (("events", len(span.events)), ("links", len(span.links)))
    parts += [f"{what}: {count}" for what, count in counts if count]
    return "  ".join(parts)


def _coloured(line: str, code: str, style: Style, wanted: bool = True) -> str:
    return f"\x1b[{code}m{line}\x1b[0m" if style.colour and wanted and line else line
