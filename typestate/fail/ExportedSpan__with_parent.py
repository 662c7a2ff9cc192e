"""An ExportedSpan has no with_parent(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.with_parent(None)  # fails: with_parent of ExportedSpan
