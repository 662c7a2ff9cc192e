"""A schema's call takes its fields and gives its span; what is decorated keeps its signature."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from opentelemetry.trace import Span, SpanKind
from typing_extensions import assert_type

import otlp_lite
from otlp_lite import SpanSchema, key, span, traced


class Query(SpanSchema, name="db.query", kind=SpanKind.CLIENT):
    system: str = key("db.system.name")
    rows: int | None = key("db.response.returned_rows", default=None)


tracer = otlp_lite.get_tracer(__name__)
query = tracer.bind_leaf(Query)
with query("postgresql", rows=3) as running:
    assert_type(running, Query)
    assert_type(running.rows, "int | None")
    running.rows = 4
    running.set_attribute("more", True)
with tracer.leaf("cache.get", {"hit": True}) as leaf:
    assert_type(leaf, Span)
with span("db.query", {"db.collection.name": "carts"}, rows=3) as current:
    assert_type(current, Span)


@traced
def plain(a: int, *, b: str = "") -> list[str]:
    return [b] * a


@traced("later", kind=SpanKind.SERVER, leaf=True)
async def later(a: int) -> str:
    return str(a)


class Holder:
    @traced
    @classmethod
    def numbers(cls, count: int) -> Iterator[int]:
        return iter(range(count))


assert_type(plain(1, b="x"), "list[str]")
pending: Coroutine[Any, Any, str] = later(1)
assert_type(Holder.numbers(3), Iterator[int])
takes_no_argument: Callable[[], object] = traced(lambda: 3)
