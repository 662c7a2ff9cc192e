"""An ExportedSpan has no record_exception(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.record_exception(ValueError("x"))  # fails: record_exception of ExportedSpan
