"""An ExportedSpan has no wait(): that is an EndedSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.wait(1.0)  # fails: wait of ExportedSpan
