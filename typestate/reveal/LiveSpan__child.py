"""A LiveSpan has child()."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import LiveSpan


def legal(span: LiveSpan) -> None:
    reveal_type(span.child("c"))  # reveals: SpanBuilder
