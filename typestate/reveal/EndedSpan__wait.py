"""wait() leads from an EndedSpan to an ExportedSpan."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import EndedSpan


def legal(span: EndedSpan) -> None:
    reveal_type(span.wait(1.0))  # reveals: ExportedSpan
