"""An EndedSpan has no event(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.event("e")  # fails: event of EndedSpan
