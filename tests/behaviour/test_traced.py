"""`traced`, `span`, leaf spans and schemas: the face that people write."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from child import python
from collecting import attributes, spans
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import SpanKind, StatusCode
from scripted import Receiver

import otlp_lite
from otlp_lite import SpanSchema, Tracer, key, traced
from otlp_lite.assemble import build
from otlp_lite.config import load
from otlp_lite.export.memory import Memory
from otlp_lite.testing import Collected, collect
from otlp_lite.traces.sampling import ALWAYS_OFF, Decision, SamplingResult


class Query(SpanSchema, name="db.query", kind=SpanKind.CLIENT):
    system: str = key("db.system.name")
    rows: int | None = key("db.response.returned_rows", default=None)
    tags: Any = key("d\xefsc", default=None)


# ---- Leaf spans ----


def test_a_leaf_has_the_current_span_as_parent_and_never_becomes_current(collected: Collected) -> None:
    tracer = collected.tracer_provider.get_tracer("t")
    with tracer.start_as_current_span("outer") as outer:
        with tracer.leaf("leaf", {"a": 1}, SpanKind.CLIENT) as leaf:
            assert trace.get_current_span() is outer and leaf.is_recording()
        tracer.leaf("ended").end()
    found = spans(collected)
    assert found["leaf"].parent_span_id == found["outer"].span_id == found["ended"].parent_span_id
    assert attributes(found["leaf"]) == {"a": 1} and found["leaf"].kind == 3


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_an_exception_leaves_a_leaf_as_a_current_span(
    collected: Collected, kind: type[BaseException]
) -> None:
    tracer = collected.tracer_provider.get_tracer("t")
    for name, start in (("leaf", tracer.leaf), ("current", tracer.start_as_current_span)):
        with pytest.raises(kind), start(name):
            raise kind("x")
    found = spans(collected)
    leaf, current = found["leaf"], found["current"]
    assert leaf.status == current.status and (leaf.status.code == 2) == issubclass(kind, Exception)
    assert [attributes(event)["exception.escaped"] for event in leaf.events] == [
        attributes(event)["exception.escaped"] for event in current.events
    ]


def test_a_leaf_that_is_not_sampled_is_a_parent_all_the_same() -> None:
    with collect(sampler=ALWAYS_OFF) as collected:
        leaf = collected.tracer_provider.get_tracer("t").leaf("leaf")
        assert not leaf.is_recording() and leaf.get_span_context().is_valid
        leaf.end()
        assert not collected.requests()


# ---- Schemas ----


def test_the_fields_of_a_schema_are_attributes_until_the_end(
    collected: Collected, caplog: pytest.LogCaptureFixture
) -> None:
    query = collected.tracer_provider.get_tracer("t").bind_leaf(Query)
    with query("postgresql") as span:
        assert isinstance(span, Query) and isinstance(span, trace.Span)
        assert (span.system, span.rows, span.tags) == ("postgresql", None, None)
        span.rows = 3
        span.rows += 1
        span.tags = ["a", {"b": 2}]
        span.tags = None
        span.set_attribute("more", True)
        assert span.rows == 4
        for name in ("unknown", "name"):
            with pytest.raises(AttributeError):
                setattr(span, name, 3)
        assert not hasattr(span, "__dict__") and "set_attribute" in dir(span)
    assert not caplog.records
    span.rows = 9
    assert caplog.messages == ["span 'db.query': Setting attribute on ended span."] and span.rows == 4
    sent = spans(collected)["db.query"]
    assert attributes(sent) == {"db.system.name": "postgresql", "db.response.returned_rows": 4, "more": True}
    assert sent.kind == 3


def test_what_a_schema_cannot_hold_is_cleaned_as_any_attribute(collected: Collected) -> None:
    class Odd(SpanSchema):
        a: Any = key("a")
        b: Any = key("b")
        c: Any = key("c")
        d: Any = key("d", default="given")

    odd = collected.tracer_provider.get_tracer("t").bind_leaf(Odd)
    with odd(1 << 70, [1, "x"], "\xe9\u20ac") as span:
        assert (span.a, span.b, span.d) == (None, (1, "x"), "given")
    sent = spans(collected)["Odd"]
    assert [pair.key for pair in sent.attributes] == ["b", "c", "d"] and sent.dropped_attributes_count == 1
    assert attributes(sent)["c"] == "\xe9\u20ac" and attributes(sent)["d"] == "given"


@pytest.mark.parametrize(
    ("arguments", "named", "words"),
    [
        ((), {}, "missing a required argument: 'system'"),
        ((), {"rows": 1}, "missing a required argument: 'system'"),
        (("a", 1, None, 4), {}, "takes 3 arguments but 4 were given"),
        (("a",), {"system": "b"}, "multiple values for argument 'system'"),
        (("a",), {"other": 1}, "unexpected keyword argument 'other'"),
    ],
)
def test_a_wrong_call_of_a_schema_is_refused(
    collected: Collected, arguments: tuple[Any, ...], named: dict[str, Any], words: str
) -> None:
    query: Any = collected.tracer_provider.get_tracer("t").bind_leaf(Query)
    with pytest.raises(TypeError, match=words):
        query(*arguments, **named)
    assert not collected.requests()


def test_a_schema_derives_from_another(collected: Collected) -> None:
    class Write(Query, name="db.write"):
        limit: ClassVar[int] = 3
        count: int = key("count", default=0)

        def add(self, more: int) -> int:
            self.count += more
            return self.limit

    write = collected.tracer_provider.get_tracer("t").bind_leaf(Write)
    with write(count=2, system="sqlite") as span:
        assert isinstance(span, Query) and span.add(3) == 3
    sent = spans(collected)["db.write"]
    assert attributes(sent) == {"db.system.name": "sqlite", "count": 5} and sent.kind == 1


def test_a_schema_that_cannot_be_is_refused() -> None:
    kind: Any = type(SpanSchema)
    query: Any = Query
    tracer: Any = otlp_lite.get_tracer("t")
    with pytest.raises(TypeError, match=r"Bare\.a: expected `a: \.\.\. = key"):
        kind("Bare", (SpanSchema,), {"__annotations__": {"a": int}})
    with pytest.raises(
        TypeError, match=r"Late\.a: expected `a: \.\.\. = key"
    ):  # of this CPython's own annotations
        exec(
            compile("class Late(SpanSchema):\n    a: int = 3", "late", "exec", dont_inherit=True),
            globals(),
            {},
        )
    with pytest.raises(TypeError, match=r"Named\.name: a span has a 'name' of its own"):
        kind("Named", (SpanSchema,), {"name": key("k")})
    with pytest.raises(TypeError, match=r"Order\.b: without a default, after 'a' with one"):
        kind("Order", (SpanSchema,), {"a": key("a", default=1), "b": key("b")})
    with pytest.raises(TypeError, match=r"Twice\.b: the key 'k' is that of 'a'"):
        kind("Twice", (SpanSchema,), {"a": key("k"), "b": key("k")})
    with pytest.raises(TypeError, match="key: '' is not a non-empty str"):
        key("")
    with pytest.raises(TypeError, match="bound to a tracer first"):
        query("postgresql")
    with pytest.raises(TypeError, match="expected a SpanSchema"):
        tracer.bind_leaf(int)


def test_a_schema_span_that_is_not_recorded_can_be_set_and_read(caplog: pytest.LogCaptureFixture) -> None:
    with collect(sampler=ALWAYS_OFF) as collected:
        sampled_out = collected.tracer_provider.get_tracer("t").bind_leaf(Query)
        for query in (sampled_out, otlp_lite.get_tracer("before configure").bind_leaf(Query)):
            with query("postgresql", rows=1) as span:
                span.rows = (span.rows or 0) + 1
                assert span.rows == 2 and not span.is_recording() and isinstance(span, Query)
                span.set_attribute("a", 1)
                span.add_event("event", {"a": 1})
                span.add_link(span.get_span_context(), {"a": 1})
                span.update_name("other")
                span.set_status(StatusCode.ERROR)
                span.record_exception(ValueError("x"))
            with pytest.raises(ValueError), query("postgresql"):
                raise ValueError
        assert not collected.requests() and not caplog.records


def test_a_sampler_sees_the_fields() -> None:
    seen: list[Any] = []

    class Watching:
        def should_sample(
            self, context: Any, trace_id: int, name: str, kind: Any, attributes: Any, links: Any
        ) -> Any:
            seen.append((name, kind, attributes))
            return SamplingResult(
                Decision.RECORD_AND_SAMPLE, {**attributes, "db.system.name": "***", "by": "me"}
            )

    with collect(sampler=Watching()) as collected:
        collected.tracer_provider.get_tracer("t").bind_leaf(Query)("postgresql", 3).end()
        sent = spans(collected)["db.query"]
    given = {"db.system.name": "postgresql", "db.response.returned_rows": 3}
    assert seen == [("db.query", SpanKind.CLIENT, given)] and attributes(sent) == {
        **given,
        "db.system.name": "***",
        "by": "me",
    }


# ---- span() ----


def test_span_has_the_calling_module_as_scope_and_keywords_as_attributes() -> None:
    with Receiver() as receiver:
        python(
            """
            import sys, types, otlp_lite
            from opentelemetry.trace import SpanKind, get_current_span

            module = types.ModuleType("elsewhere")
            exec("from otlp_lite import span\\ndef work():\\n    with span('other'): pass", vars(module))

            @otlp_lite.span("decorated")
            def decorated():
                return get_current_span().name

            with otlp_lite.span("before configure") as early:
                assert not early.is_recording()
            with otlp_lite.configure(endpoint=sys.argv[1]):
                with otlp_lite.span("main", {"a.b": 1, "c": 2}, SpanKind.SERVER, c=3) as span:
                    assert get_current_span() is span
                    module.work()
                assert decorated() == "decorated"
            """,
            receiver.url,
        )
        request = ExportTraceServiceRequest.FromString(receiver.requests[0].body)
    found = {
        span.name: (scope.scope.name, attributes(span), span.kind)
        for scope in request.resource_spans[0].scope_spans
        for span in scope.spans
    }
    assert found == {
        "main": ("__main__", {"a.b": 1, "c": 3}, 2),
        "other": ("elsewhere", {}, 1),
        "decorated": ("__main__", {}, 1),
    }


# ---- traced ----


def test_each_kind_of_function_runs_in_a_span_of_its_own(collected: Collected) -> None:
    tracer = collected.tracer_provider.get_tracer("t")

    @traced(tracer=tracer)
    def plain(a: int, b: int = 2) -> Any:
        """Plain."""
        return a + b, trace.get_current_span()

    @traced("async", tracer=tracer, kind=SpanKind.SERVER, attributes={"a": 1})
    async def later() -> Any:
        await asyncio.sleep(0)
        return trace.get_current_span()

    class Holder:
        @traced("method", tracer=tracer)
        def method(self) -> Any:
            return self

        @traced("classmethod", tracer=tracer)
        @classmethod
        def of_class(cls) -> Any:
            return cls

        @traced("staticmethod", tracer=tracer)
        @staticmethod
        def static(a: int) -> int:
            return a

    holder = Holder()
    total, inside = plain(1)
    assert total == 3 and inside.name == plain.__qualname__ and plain.__doc__ == "Plain."
    assert str(inspect.signature(plain)) == "(a: 'int', b: 'int' = 2) -> 'Any'"
    assert inspect.iscoroutinefunction(later) and asyncio.run(later()).name == "async"
    assert (
        holder.method() is holder
        and holder.of_class() is Holder is Holder.of_class()
        and Holder.static(3) == 3
    )
    collected.requests()
    plain(b=1, a=1)
    asyncio.run(later())
    holder.method()
    found = spans(collected)
    assert set(found) == {plain.__qualname__, "async", "method"}
    assert found["async"].kind == 2 and attributes(found["async"]) == {"a": 1}
    assert not found[plain.__qualname__].attributes


def test_a_traced_leaf_never_becomes_current(collected: Collected) -> None:
    tracer = collected.tracer_provider.get_tracer("t")
    outside = trace.get_current_span()

    def current() -> Any:
        return trace.get_current_span()

    assert traced("bare", tracer=tracer, leaf=True)(current)() is outside
    assert (
        traced("full", tracer=tracer, leaf=True, attributes={"a": 1}, kind=SpanKind.CLIENT)(current)()
        is outside
    )
    found = spans(collected)
    assert attributes(found["full"]) == {"a": 1} and found["full"].kind == 3 and not found["bare"].attributes


@traced
def at_module_level(a: int) -> int:
    return a


def test_a_traced_function_is_pickled_by_name() -> None:
    assert pickle.loads(pickle.dumps(at_module_level)) is at_module_level
    assert at_module_level(3) == 3 and at_module_level.__module__ == __name__


@pytest.mark.parametrize("odd", [3, b"name", int])
def test_what_is_no_function_is_refused(odd: Any) -> None:
    with pytest.raises(TypeError, match="traced: "):
        traced(odd)


def test_as_it_is_left_its_exception_is_the_one_that_is_handled() -> None:
    """As in a with statement: what a span processor logs may ask for it."""
    seen: list[BaseException | None] = []

    class Asking:
        def on_end(self, span: object) -> None:
            seen.append(sys.exc_info()[1])

    telemetry = build(load({"span_processors": [Asking()]}, {}), lambda _: Memory())
    tracer = telemetry.tracer_provider.get_tracer("t")
    assert isinstance(tracer, Tracer)

    @traced(tracer=tracer)
    def fails(error: Exception | None) -> None:
        if error is not None:
            raise error

    first, other = ValueError("first"), ValueError("other")
    fails(None)
    for error in (first, other):
        with pytest.raises(ValueError) as raised:
            fails(error)
        assert raised.value is error and error.__context__ is None
    try:
        raise first
    except ValueError:
        fails(None)
        assert sys.exc_info()[1] is first
    assert seen == [None, first, other, first]


def test_it_leaves_no_exception_of_its_caller_in_a_generator(collected: Collected) -> None:
    @traced(tracer=collected.tracer_provider.get_tracer("t"))
    def fails() -> None:
        raise ValueError

    def generator() -> Iterator[type[BaseException] | None]:
        with pytest.raises(ValueError):
            fails()
        yield sys.exc_info()[0]
        yield sys.exc_info()[0]

    it = generator()
    try:
        raise KeyError
    except KeyError:
        assert next(it) is KeyError
    assert next(it) is None
