"""An ExportedSpan has no with_start_time(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.with_start_time(1)  # fails: with_start_time of ExportedSpan
