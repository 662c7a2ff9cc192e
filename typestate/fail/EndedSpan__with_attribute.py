"""An EndedSpan has no with_attribute(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.with_attribute("k", 1)  # fails: with_attribute of EndedSpan
