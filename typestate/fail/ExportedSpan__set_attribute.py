"""An ExportedSpan has no set_attribute(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.set_attribute("k", 1)  # fails: set_attribute of ExportedSpan
