"""A LiveSpan has no wait(): that is an EndedSpan's."""

from __future__ import annotations

from otlp_lite import LiveSpan


def misuse(span: LiveSpan) -> None:
    repr(span)
    span.wait(1.0)  # fails: wait of LiveSpan
