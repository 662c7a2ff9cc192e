"""A SpanBuilder has no record_exception(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.record_exception(ValueError("x"))  # fails: record_exception of SpanBuilder
