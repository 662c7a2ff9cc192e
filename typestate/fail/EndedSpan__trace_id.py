"""An EndedSpan has no trace_id: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    print(span.trace_id)  # fails: trace_id of EndedSpan
