"""An ExportedSpan has span_id."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import ExportedSpan


def legal(span: ExportedSpan) -> None:
    reveal_type(span.span_id)  # reveals: int
