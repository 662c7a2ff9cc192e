"""A SpanBuilder has no set_attribute(): that is a LiveSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


def misuse(span: SpanBuilder) -> None:
    repr(span)
    span.set_attribute("k", 1)  # fails: set_attribute of SpanBuilder
