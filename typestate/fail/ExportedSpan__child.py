"""An ExportedSpan has no child(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.child("c")  # fails: child of ExportedSpan
