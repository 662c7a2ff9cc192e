"""An EndedSpan has get_span_context()."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import EndedSpan


def legal(span: EndedSpan) -> None:
    reveal_type(span.get_span_context())  # reveals: SpanContext
