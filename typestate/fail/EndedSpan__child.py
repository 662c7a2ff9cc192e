"""An EndedSpan has no child(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.child("c")  # fails: child of EndedSpan
