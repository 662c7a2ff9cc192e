"""The spans that are recorded: each shape as users write it, and its twin whose every string is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from opentelemetry.trace import Tracer

BURST = 1000  # spans; within every peer's default queue
SETS = 20  # times that a span's attribute is set for each item: beside these, starting the span is nothing

Work = Sequence[Any]
Burst = Callable[[Tracer, Work], None]


def _start_end(tracer: Tracer, work: Work) -> None:
    for _ in work:
        tracer.start_span("GET /users/{id}").end()


def _start_end_twin(tracer: Tracer, work: Work) -> None:
    for name, _, _, _, _, _, _, _, _, _, _, _ in work:
        tracer.start_span(name).end()


def _current(tracer: Tracer, work: Work) -> None:
    for _ in work:
        with tracer.start_as_current_span("GET /users/{id}"):
            pass


def _current_twin(tracer: Tracer, work: Work) -> None:
    for name, _, _, _, _, _, _, _, _, _, _, _ in work:
        with tracer.start_as_current_span(name):
            pass


def _current5(tracer: Tracer, work: Work) -> None:
    for _ in work:
        with tracer.start_as_current_span("GET /users/{id}") as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute("http.route", "/users/{id}")
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("app.cached", True)
            span.set_attribute("app.ratio", 0.25)


def _current5_twin(tracer: Tracer, work: Work) -> None:
    for name, k0, v0, k1, v1, k2, v2, k3, v3, k4, v4, _ in work:
        with tracer.start_as_current_span(name) as span:
            span.set_attribute(k0, v0)
            span.set_attribute(k1, v1)
            span.set_attribute(k2, v2)
            span.set_attribute(k3, v3)
            span.set_attribute(k4, v4)


def _dict4(tracer: Tracer, work: Work) -> None:
    for _ in work:
        with tracer.start_as_current_span(
            "GET /users/{id}",
            attributes={
                "http.request.method": "GET",
                "http.route": "/users/{id}",
                "http.response.status_code": 200,
                "app.ratio": 0.25,
            },
        ):
            pass


def _dict4_twin(tracer: Tracer, work: Work) -> None:
    for name, _, _, _, _, _, _, _, _, _, _, attributes in work:
        with tracer.start_as_current_span(name, attributes=attributes):
            pass


@cache
def _bound_leaf(tracer: Any) -> Callable[[str, str, int, float], Any]:
    """A leaf of the four values of _dict4. Our SDK's alone, and loaded only where it is measured."""
    from otlp_lite import SpanSchema, key

    class Request(SpanSchema, name="GET /users/{id}"):
        method: str = key("http.request.method")
        path: str = key("http.route")
        code: int = key("http.response.status_code")
        ratio: float = key("app.ratio")

    return cast("Callable[[str, str, int, float], Any]", tracer.bind_leaf(Request))


def _leaf4(tracer: Tracer, work: Work) -> None:
    leaf = _bound_leaf(tracer)
    for _ in work:
        with leaf("GET", "/users/{id}", 200, 0.25):
            pass


def _leaf4_twin(tracer: Tracer, work: Work) -> None:
    leaf = _bound_leaf(tracer)
    for _, _, v0, _, v1, _, v2, _, v3, _, _, _ in work:
        with leaf(v0, v1, v2, v3):
            pass


@cache
def _traced_empty(tracer: Any, *names: str) -> list[Callable[[], None]]:
    from otlp_lite import traced

    def empty() -> None:
        pass

    return [traced(name, tracer=tracer)(empty) for name in names]


def _traced(tracer: Tracer, work: Work) -> None:
    (empty,) = _traced_empty(tracer, "GET /users/{id}")
    for _ in work:
        empty()


def _traced_twin(tracer: Tracer, work: Work) -> None:
    """A function for each name: a decorator's is the same at each call."""
    for empty in _traced_empty(tracer, *(_text("name", i, 0) for i in range(len(work)))):
        empty()


def _builder5(tracer: Tracer, work: Work) -> None:
    from otlp_lite import SpanBuilder

    for _ in work:
        live = SpanBuilder("GET /users/{id}", tracer=tracer).start()
        live.set_attribute("http.request.method", "GET")
        live.set_attribute("http.route", "/users/{id}")
        live.set_attribute("http.response.status_code", 200)
        live.set_attribute("app.cached", True)
        live.set_attribute("app.ratio", 0.25)
        live.end()


def _builder5_twin(tracer: Tracer, work: Work) -> None:
    from otlp_lite import SpanBuilder

    for name, k0, v0, k1, v1, k2, v2, k3, v3, k4, v4, _ in work:
        live = SpanBuilder(name, tracer=tracer).start()
        live.set_attribute(k0, v0)
        live.set_attribute(k1, v1)
        live.set_attribute(k2, v2)
        live.set_attribute(k3, v3)
        live.set_attribute(k4, v4)
        live.end()


def _set(tracer: Tracer, work: Work) -> None:
    span = tracer.start_span("GET /users/{id}")
    for _ in range(SETS):
        for _ in work:
            span.set_attribute("http.response.status_code", 200)
    span.end()


def _set_guarded(tracer: Tracer, work: Work) -> None:
    """In a function of its own: CPython specialises each call for one type."""
    from otlp_lite import SpanBuilder

    live = SpanBuilder("GET /users/{id}", tracer=tracer).start()
    for _ in range(SETS):
        for _ in work:
            live.set_attribute("http.response.status_code", 200)
    live.end()


def _loop(_tracer: Tracer, work: Work) -> None:
    for _ in work:
        pass


def _loop_twin(_tracer: Tracer, work: Work) -> None:
    for _, _, _, _, _, _, _, _, _, _, _, _ in work:
        pass


class Shape(NamedTuple):
    """One kind of span: a burst of it over anything of the burst's length, and over `fresh` work."""

    plain: Burst
    twin: Burst
    spans: int = BURST
    """That a burst records."""
    times: int = 1
    """What is measured is done, of each item."""


SHAPES = {
    "loop": Shape(_loop, _loop_twin, 0),
    "start_end": Shape(_start_end, _start_end_twin),
    "current": Shape(_current, _current_twin),
    "current5": Shape(_current5, _current5_twin),
    "dict4": Shape(_dict4, _dict4_twin),
    "leaf4": Shape(_leaf4, _leaf4_twin),
    "traced": Shape(_traced, _traced_twin),
    "builder5": Shape(_builder5, _builder5_twin),
    "set": Shape(_set, _set, 1, SETS),
    "set_guarded": Shape(_set_guarded, _set_guarded, 1, SETS),
}


def fresh(count: int) -> list[tuple[Any, ...]]:
    """What a twin records: per span a name, 5 pairs of key and value, and a dict of 4 others.

    Every string is a new object with a text of its own (1000 names come back each burst), a fifth of them
    outside ASCII in each of CPython's widths; a call site sees str, int, float and bool in turn.
    """
    work: list[tuple[Any, ...]] = []
    for i in range(count):
        pairs = [part for j in range(5) for part in (_text("key", i, j), _value(i, j))]
        attributes = {_text("attribute", i, j): _value(i, j) for j in range(4)}
        work.append((_text("name", i, 0), *pairs, attributes))
    return work


def _text(stem: str, i: int, j: int) -> str:
    plain = f"{stem}.{i}.{j}"
    return plain + "éж😀"[i % 3] if (i + j) % 5 == 0 else plain


def _value(i: int, j: int) -> str | int | float | bool:
    kind = (i + 2 * j) % 5
    if kind == 1:
        return i * 2654435761
    if kind == 2:
        return i / 7
    if kind == 3:
        return i % 2 == 0
    return _text("value", i, j)
