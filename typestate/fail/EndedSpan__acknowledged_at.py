"""An EndedSpan has no acknowledged_at: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    print(span.acknowledged_at)  # fails: acknowledged_at of EndedSpan
