"""An ExportedSpan has no add_event(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.add_event("e")  # fails: add_event of ExportedSpan
