"""A SpanBuilder has with_link()."""

from __future__ import annotations

from opentelemetry.trace import SpanContext
from typing_extensions import reveal_type

from otlp_lite import SpanBuilder


def legal(span: SpanBuilder) -> None:
    reveal_type(span.with_link(SpanContext(1, 2, False)))  # reveals: SpanBuilder
