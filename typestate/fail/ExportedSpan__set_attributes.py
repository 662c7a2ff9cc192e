"""An ExportedSpan has no set_attributes(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.set_attributes({"k": 1})  # fails: set_attributes of ExportedSpan
