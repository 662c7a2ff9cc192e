"""An ExportedSpan has no event(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.event("e")  # fails: event of ExportedSpan
