"""A LiveSpan has no with_kind(): that is a SpanBuilder's."""

from __future__ import annotations

from opentelemetry.trace import SpanKind

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    span.with_kind(SpanKind.CLIENT)  # fails: with_kind of LiveSpan
