"""A SpanBuilder has with_kind()."""

from __future__ import annotations

from opentelemetry.trace import SpanKind
from typing_extensions import reveal_type

from otlp_lite import SpanBuilder


def legal(span: SpanBuilder) -> None:
    reveal_type(span.with_kind(SpanKind.CLIENT))  # reveals: SpanBuilder
