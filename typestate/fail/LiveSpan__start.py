"""A LiveSpan has no start(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    span.start()  # fails: start of LiveSpan
