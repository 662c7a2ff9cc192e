"""An EndedSpan has no update_name(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.update_name("n")  # fails: update_name of EndedSpan
