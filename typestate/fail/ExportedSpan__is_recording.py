"""An ExportedSpan has no is_recording(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.is_recording()  # fails: is_recording of ExportedSpan
