"""A LiveSpan has no trace_id: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    print(span.trace_id)  # fails: trace_id of LiveSpan
