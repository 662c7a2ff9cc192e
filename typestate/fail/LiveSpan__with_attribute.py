"""A LiveSpan has no with_attribute(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    span.with_attribute("k", 1)  # fails: with_attribute of LiveSpan
