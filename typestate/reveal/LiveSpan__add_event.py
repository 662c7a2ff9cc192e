"""A LiveSpan has add_event()."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import LiveSpan


def legal(span: LiveSpan) -> None:
    reveal_type(span.add_event("e"))  # reveals: None
