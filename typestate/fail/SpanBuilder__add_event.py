"""A SpanBuilder has no add_event(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.add_event("e")  # fails: add_event of SpanBuilder
