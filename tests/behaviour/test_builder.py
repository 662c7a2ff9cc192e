"""Spans whose states are types, at run time: what they begin with, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from child import python
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.trace import (
    NoOpTracer,
    SpanContext,
    SpanKind,
    TraceFlags,
    get_tracer,
    use_span,
)
from opentelemetry.trace import Span as ApiSpan
from scripted import Receiver, Request, Start

from otlp_lite import LiveSpan, SpanBuilder, StateError
from otlp_lite.testing import collect
from otlp_lite.traces.processor import SpanProcessor


def scopes_of(request: Request) -> list[ScopeSpans]:
    message = ExportTraceServiceRequest.FromString(request.content())
    return [scope for group in message.resource_spans for scope in group.scope_spans]


def test_what_a_builder_was_given_arrives(start: Start) -> None:
    remote = SpanContext(0x1234, 0x5678, True, TraceFlags(1))
    with Receiver() as receiver:
        tracer = start(receiver).tracer_provider.get_tracer("test")
        builder = SpanBuilder("op", tracer=tracer).with_kind(SpanKind.CONSUMER).with_parent(remote)
        builder.with_start_time(5).with_link(remote, {"a": 1}).with_attributes({"b": 2, "c": 3})
        live = builder.with_attribute("b", "two").start()
        child = live.child("child").start()
        ended = live.end(end_time=9)
        orphan = SpanBuilder("orphan", tracer=tracer).with_parent(None).start().end()
        for each in (ended, child.end(), orphan):
            each.wait(5)
        spans = {span.name: span for span in receiver.spans()}
    op = spans["op"]
    assert (op.kind, op.start_time_unix_nano, op.end_time_unix_nano) == (5, 5, 9)
    assert (op.trace_id.hex(), op.parent_span_id.hex()) == (f"{0x1234:032x}", f"{0x5678:016x}")
    assert [(a.key, a.value.string_value or a.value.int_value) for a in op.attributes] == [
        ("b", "two"),
        ("c", 3),
    ]
    assert [link.span_id.hex() for link in op.links] == [f"{0x5678:016x}"]
    assert spans["child"].parent_span_id == op.span_id
    assert spans["orphan"].parent_span_id == b""


WRONG: dict[str, Callable[[SpanBuilder], object]] = {
    "kind: 'client' is not a SpanKind": lambda b: b.with_kind("client"),  # type: ignore[arg-type]
    "parent: 3 is not a Span, a SpanContext, a Context or None": lambda b: b.with_parent(3),  # type: ignore[arg-type]
    "context: None is not a SpanContext": lambda b: b.with_link(None),  # type: ignore[arg-type]
    "start_time: 'now' is not a time in ns since 1970": lambda b: b.with_start_time("now"),  # type: ignore[arg-type]
    "start_time: -1 is not a time in ns since 1970": lambda b: b.with_start_time(-1),
    "attributes: 3 is not a mapping": lambda b: b.with_attributes(3),  # type: ignore[arg-type]
    "attributes: [('a', 1)] is not a mapping": lambda b: b.with_attributes([("a", 1)]),  # type: ignore[arg-type]
    "name: 3 is not a str": lambda b: SpanBuilder(3),  # type: ignore[arg-type]
    "tracer: expected one of otlp_lite's, not opentelemetry.trace.NoOpTracer": lambda b: SpanBuilder(
        "a", tracer=NoOpTracer()
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_arguments_are_said(words: str) -> None:
    with pytest.raises(TypeError) as raised:
        WRONG[words](SpanBuilder("a", tracer=get_tracer("test")))
    assert str(raised.value) == words


def test_with_ends_it_unless_it_has_ended() -> None:
    with collect() as collected:
        tracer = collected.tracer_provider.get_tracer("test")
        with SpanBuilder("a", tracer=tracer).start() as live:
            ended = live.end()
        with SpanBuilder("b", tracer=tracer).start() as left:
            pass
        with pytest.raises(KeyError), SpanBuilder("c", tracer=tracer).start() as failed:
            raise KeyError("x")
        for span in (live, left, failed):
            assert not span.is_recording()
            with pytest.raises(StateError), span:
                pass
        assert ended.wait(0).endpoint == "otlp_lite.testing"


def test_hasattr_is_not_deceived() -> None:
    with collect() as collected:
        live = SpanBuilder("a", tracer=collected.tracer_provider.get_tracer("test")).start()
        assert hasattr(live, "end") and not hasattr(live, "wait") and not hasattr(live, "start")
        assert not hasattr(live.end(), "set_attribute")
        with pytest.raises(AttributeError):
            live.nothing  # type: ignore[attr-defined] # noqa: B018


def test_what_is_handed_a_span_as_it_starts_may_begin_children(start: Start) -> None:
    begun: list[SpanBuilder] = []

    class Follows(SpanProcessor):
        def on_start(self, span: ApiSpan, parent_context: object = None) -> None:
            if isinstance(span, LiveSpan) and not begun:
                begun.append(span.child("follows"))
                begun[0].start().end()

    with Receiver() as receiver:
        telemetry = start(receiver, span_processors=[Follows()])
        SpanBuilder("first", tracer=telemetry.tracer_provider.get_tracer("shop")).start().end().wait(5)
        assert telemetry.force_flush(5)
        scopes = [scope for request in receiver.requests for scope in scopes_of(request)]
        assert {scope.scope.name for scope in scopes} == {"shop"}
        assert sum(len(scope.spans) for scope in scopes) == 2


def test_a_builder_starts_once_whoever_is_handed_it(start: Start) -> None:
    class Again(SpanProcessor):
        def on_start(self, span: ApiSpan, parent_context: object = None) -> None:
            with pytest.raises(StateError, match="was started"):
                builder.start()

    with Receiver() as receiver:
        telemetry = start(receiver, span_processors=[Again()])
        builder = SpanBuilder("once", tracer=telemetry.tracer_provider.get_tracer("t"))
        builder.start().end().wait(5)
        assert receiver.names() == ["once"]


def test_a_span_that_was_not_started_may_be_started_again() -> None:
    with collect() as collected:
        builder = SpanBuilder("a", tracer=collected.tracer_provider.get_tracer("t")).with_attribute("key", 1)
        builder.with_attributes({1: 2})  # type: ignore[dict-item]
        builder.start().end()


def test_who_uses_what_has_ended_is_told() -> None:
    with collect() as collected:
        live = SpanBuilder("a", tracer=collected.tracer_provider.get_tracer("t")).start()
        with (
            pytest.raises(StateError, match=r"LiveSpan\.end: span 'a' has ended"),
            use_span(live, end_on_exit=True),
        ):
            live.end()


def test_a_tracer_of_the_api_keeps_its_scope() -> None:
    """One that was had before otlp_lite was set up."""
    code = """
        import sys
        from opentelemetry.trace import ProxyTracer
        import otlp_lite
        early = ProxyTracer("shop", "2", "https://schema.example/1", {"tier": "gold"})
        builder = otlp_lite.SpanBuilder("a", tracer=early)
        otlp_lite.configure(endpoint=sys.argv[1])
        builder.start().end().wait(5)
        """
    with Receiver() as receiver:
        python(code, receiver.url)
        ((scope,),) = (scopes_of(request) for request in receiver.requests)
    assert (scope.scope.name, scope.scope.version) == ("shop", "2")
    assert scope.schema_url == "https://schema.example/1"
    assert [(each.key, each.value.string_value) for each in scope.scope.attributes] == [("tier", "gold")]


def test_one_that_a_processor_has_seen_is_started(start: Start) -> None:
    """Whatever that raises: the span is not begun a second time."""

    class Interrupted(SpanProcessor):
        def on_start(self, span: ApiSpan, parent_context: object = None) -> None:
            raise KeyboardInterrupt

    with Receiver() as receiver:
        telemetry = start(receiver, span_processors=[Interrupted()])
        builder = SpanBuilder("a", tracer=telemetry.tracer_provider.get_tracer("t"))
        with pytest.raises(KeyboardInterrupt):
            builder.start()
        with pytest.raises(StateError):
            builder.start()
