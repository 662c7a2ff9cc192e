"""An EndedSpan has no with_parent(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.with_parent(None)  # fails: with_parent of EndedSpan
