"""A SpanBuilder has no endpoint: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    print(span.endpoint)  # fails: endpoint of SpanBuilder
