"""start() leads from a SpanBuilder to a LiveSpan."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import SpanBuilder


def legal(span: SpanBuilder) -> None:
    reveal_type(span.start())  # reveals: LiveSpan
