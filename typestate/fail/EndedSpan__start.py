"""An EndedSpan has no start(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.start()  # fails: start of EndedSpan
