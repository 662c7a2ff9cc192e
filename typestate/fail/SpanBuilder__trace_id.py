"""A SpanBuilder has no trace_id: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    print(span.trace_id)  # fails: trace_id of SpanBuilder
