"""An ExportedSpan has no start(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.start()  # fails: start of ExportedSpan
