"""A SpanBuilder has no update_name(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.update_name("n")  # fails: update_name of SpanBuilder
