"""Code that takes any span, one that is live, or whatever has a few of its methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from opentelemetry.trace import Span, Tracer, use_span
from opentelemetry.util.types import AttributeValue

from otlp_lite import EndedSpan, LiveSpan, SpanBuilder


class Labelled(Protocol):
    """What can be labelled: a live span of ours, and any span of the API."""

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None: ...


L = TypeVar("L", bound=Labelled)
S = TypeVar("S", bound=Span)


def labelled(span: L) -> L:
    span.set_attributes({"team": "cart"})
    return span


def of_the_api(span: S) -> S:
    with use_span(span, end_on_exit=False):
        span.add_event("seen")
    return span


def ended(span: LiveSpan) -> EndedSpan:
    return span.end()


def end_any(span: Span) -> None:
    span.end()


def main(tracer: Tracer) -> None:
    live = of_the_api(labelled(SpanBuilder("a", tracer=tracer).start()))
    assert isinstance(live, Span)
    labelled(tracer.start_span("b")).end()
    spans: list[Span] = [tracer.start_span("c"), SpanBuilder("d", tracer=tracer).start()]
    for span in spans:
        end_any(span)
    ended(live).wait(1.0)
