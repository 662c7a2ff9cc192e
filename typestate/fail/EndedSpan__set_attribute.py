"""An EndedSpan has no set_attribute(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.set_attribute("k", 1)  # fails: set_attribute of EndedSpan
