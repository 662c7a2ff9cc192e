"""An ExportedSpan has no get_span_context(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


def misuse(span: ExportedSpan) -> None:
    repr(span)
    span.get_span_context()  # fails: get_span_context of ExportedSpan
