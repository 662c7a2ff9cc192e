"""A SpanBuilder has no wait(): that is an EndedSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.wait(1.0)  # fails: wait of SpanBuilder
