"""A LiveSpan has set_status()."""

from __future__ import annotations

from opentelemetry.trace import StatusCode
from typing_extensions import reveal_type

from otlp_lite import LiveSpan


def legal(span: LiveSpan) -> None:
    reveal_type(span.set_status(StatusCode.OK))  # reveals: None
