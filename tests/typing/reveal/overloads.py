"""Each overload of traced, and what span() and bind_leaf() give by how they are called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

from opentelemetry.trace import Span, SpanKind
from typing_extensions import assert_type

import otlp_lite
from otlp_lite import SpanSchema, key, span, traced

tracer = otlp_lite.get_tracer(__name__)


class Bare(SpanSchema, name="bare"):
    pass


class Typed(SpanSchema):
    text: str = key("text")
    number: int = key("number", default=0)


def plain(a: int) -> str:
    return str(a)


async def later(a: int) -> str:
    return str(a)


# traced(function): the function's own type.
assert_type(traced(plain)(1), str)
by_itself: Callable[[int], str] = traced(plain)


async def awaited() -> None:
    assert_type(await traced(later)(1), str)
    assert_type(await traced("named")(later)(1), str)
    async for each in numbers(3):
        assert_type(each, int)


# traced(name, ...), and traced(...) without one: what keeps the type of whatever it decorates.
assert_type(traced("named")(plain)(1), str)
assert_type(traced(kind=SpanKind.CLIENT, attributes={"a": 1}, leaf=True, tracer=tracer)(plain)(1), str)


@traced
def counted(count: int) -> Iterator[int]:
    yield from range(count)


@traced("numbers")
async def numbers(count: int) -> AsyncIterator[int]:
    for each in range(count):
        yield each


assert_type(counted(3), Iterator[int])


class Service:
    @traced
    def method(self, a: int) -> str:
        return str(a)

    @traced("made")
    @classmethod
    def make(cls) -> Service:
        return cls()

    @traced
    @staticmethod
    def static(a: int) -> str:
        return str(a)


assert_type(Service.make().method(1), str)
assert_type(Service.static(1), str)

# span(): a manager of a span, or a decorator.
with span("a") as first, span("b", {"k": [1, 2]}, SpanKind.SERVER, None) as second, span("c", k="v") as third:
    assert_type((first, second, third), tuple[Span, Span, Span])


@span("decorated")
def decorated(a: int) -> str:
    return str(a)


assert_type(decorated(1), str)

# bind_leaf(): a function of the schema's fields that gives its span.
assert_type(tracer.bind_leaf(Bare)(), Bare)
assert_type(tracer.bind_leaf(Typed)("text"), Typed)
assert_type(tracer.bind_leaf(Typed)(text="text", number=1).number, int)
with tracer.bind_leaf(Typed)("text", 2) as typed:
    assert_type(typed, Typed)
    assert_type(typed.text, str)
