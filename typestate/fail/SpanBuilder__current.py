"""A SpanBuilder has no current(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.current()  # fails: current of SpanBuilder
