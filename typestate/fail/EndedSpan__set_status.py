"""An EndedSpan has no set_status(): that is a LiveSpan's."""

from __future__ import annotations

from opentelemetry.trace import StatusCode

from otlp_lite import EndedSpan


def misuse(span: EndedSpan) -> None:
    repr(span)
    span.set_status(StatusCode.OK)  # fails: set_status of EndedSpan
