"""An EndedSpan has no is_recording(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.is_recording()  # fails: is_recording of EndedSpan
