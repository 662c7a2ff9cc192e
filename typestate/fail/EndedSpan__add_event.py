"""An EndedSpan has no add_event(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.add_event("e")  # fails: add_event of EndedSpan
