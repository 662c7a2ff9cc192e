"""A LiveSpan has no endpoint: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    print(span.endpoint)  # fails: endpoint of LiveSpan
