"""A LiveSpan has update_name()."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import LiveSpan


def legal(span: LiveSpan) -> None:
    reveal_type(span.update_name("n"))  # reveals: None
