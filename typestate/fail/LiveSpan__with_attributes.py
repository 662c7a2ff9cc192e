"""A LiveSpan has no with_attributes(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    span.with_attributes({"k": 1})  # fails: with_attributes of LiveSpan
