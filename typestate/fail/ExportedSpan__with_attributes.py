"""An ExportedSpan has no with_attributes(): that is a SpanBuilder's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.with_attributes({"k": 1})  # fails: with_attributes of ExportedSpan
