"""A SpanBuilder has no span_id: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    print(span.span_id)  # fails: span_id of SpanBuilder
