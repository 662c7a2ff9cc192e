"""A SpanBuilder has no end(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.end()  # fails: end of SpanBuilder
