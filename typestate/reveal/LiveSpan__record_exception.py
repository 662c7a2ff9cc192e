"""A LiveSpan has record_exception()."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import LiveSpan


def legal(span: LiveSpan) -> None:
    reveal_type(span.record_exception(ValueError("x")))  # reveals: None
