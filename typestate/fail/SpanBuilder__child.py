"""A SpanBuilder has no child(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.child("c")  # fails: child of SpanBuilder
