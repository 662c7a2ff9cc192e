"""A SpanBuilder has no event(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.event("e")  # fails: event of SpanBuilder
