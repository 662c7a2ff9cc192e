"""An EndedSpan has no add_link(): that is a LiveSpan's."""

from __future__ import annotations

from opentelemetry.trace import SpanContext

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.add_link(SpanContext(1, 2, False))  # fails: add_link of EndedSpan
