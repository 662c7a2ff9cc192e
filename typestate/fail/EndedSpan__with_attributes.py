"""An EndedSpan has no with_attributes(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.with_attributes({"k": 1})  # fails: with_attributes of EndedSpan
