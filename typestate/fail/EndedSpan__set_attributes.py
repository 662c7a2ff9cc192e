"""An EndedSpan has no set_attributes(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.set_attributes({"k": 1})  # fails: set_attributes of EndedSpan
