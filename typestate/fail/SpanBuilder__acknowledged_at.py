"""A SpanBuilder has no acknowledged_at: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    print(span.acknowledged_at)  # fails: acknowledged_at of SpanBuilder
