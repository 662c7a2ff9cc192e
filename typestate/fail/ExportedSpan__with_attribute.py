"""An ExportedSpan has no with_attribute(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.with_attribute("k", 1)  # fails: with_attribute of ExportedSpan
