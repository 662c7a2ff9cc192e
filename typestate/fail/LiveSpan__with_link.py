"""A LiveSpan has no with_link(): that is a SpanBuilder's."""

from __future__ import annotations

from opentelemetry.trace import SpanContext

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    span.with_link(SpanContext(1, 2, False))  # fails: with_link of LiveSpan
