"""An EndedSpan has no record_exception(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.record_exception(ValueError("x"))  # fails: record_exception of EndedSpan
