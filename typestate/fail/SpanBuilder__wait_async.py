"""A SpanBuilder has no wait_async(): that is an EndedSpan's."""

from __future__ import annotations

from otlp_lite import SpanBuilder


async def misuse(span: SpanBuilder) -> None:
    repr(span)
    await span.wait_async(1.0)  # fails: wait_async of SpanBuilder
