"""An ExportedSpan has no current(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.current()  # fails: current of ExportedSpan
