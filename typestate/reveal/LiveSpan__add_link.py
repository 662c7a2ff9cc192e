"""A LiveSpan has add_link()."""

from __future__ import annotations

from opentelemetry.trace import SpanContext
from typing_extensions import reveal_type

from otlp_lite import LiveSpan


def legal(span: LiveSpan) -> None:
    reveal_type(span.add_link(SpanContext(1, 2, False)))  # reveals: None
