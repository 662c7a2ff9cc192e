"""An ExportedSpan has no wait_async(): that is an EndedSpan's."""

from __future__ import annotations

from otlp_lite import ExportedSpan


async def misuse(span: ExportedSpan) -> None:
    repr(span)
    await span.wait_async(1.0)  # fails: wait_async of ExportedSpan
