"""An EndedSpan has no endpoint: that is an ExportedSpan's."""

from __future__ import annotations

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    print(span.endpoint)  # fails: endpoint of EndedSpan
