"""An EndedSpan has no span_id: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    print(span.span_id)  # fails: span_id of EndedSpan
