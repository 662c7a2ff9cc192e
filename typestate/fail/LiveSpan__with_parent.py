"""A LiveSpan has no with_parent(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    span.with_parent(None)  # fails: with_parent of LiveSpan
