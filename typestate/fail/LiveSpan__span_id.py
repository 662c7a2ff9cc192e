"""A LiveSpan has no span_id: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    print(span.span_id)  # fails: span_id of LiveSpan
