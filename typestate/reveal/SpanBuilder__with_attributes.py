"""A SpanBuilder has with_attributes()."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import SpanBuilder


def legal(span: SpanBuilder) -> None:
    reveal_type(span.with_attributes({"k": 1}))  # reveals: SpanBuilder
