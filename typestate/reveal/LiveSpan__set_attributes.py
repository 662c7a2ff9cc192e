"""A LiveSpan has set_attributes()."""

from __future__ import annotations

from typing_extensions import reveal_type

from otlp_lite import LiveSpan


def legal(span: LiveSpan) -> None:
    reveal_type(span.set_attributes({"k": 1}))  # reveals: None
