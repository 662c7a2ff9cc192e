"""An EndedSpan has no end(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.end()  # fails: end of EndedSpan
