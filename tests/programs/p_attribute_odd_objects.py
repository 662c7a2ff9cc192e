"""Attributes of types that are no attribute types: told by their text, or by nothing where they have none."""

import datetime
import decimal
import enum
import fractions
import pathlib
import uuid
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("odd")


class Colour(enum.Enum):
    RED = 1


@dataclass
class Point:
    x: int
    y: int


class OnlyRepr:
    def __repr__(self) -> str:
        return "<only a repr>"


class OnlyStr:
    def __str__(self) -> str:
        return "only a str"


class Bare:
    pass


class Array:
    """Behaves like a number of an array library: indexable, with a length, and no Sequence."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        return [10, 20][index]

    def __int__(self) -> int:
        return 30

    def __index__(self) -> int:
        return 40

    def __float__(self) -> float:
        return 50.0

    def __str__(self) -> str:
        return "[10 20]"


VALUES: dict[str, Any] = {
    "enum": Colour.RED,
    "dataclass": Point(1, 2),
    "only repr": OnlyRepr(),
    "only str": OnlyStr(),
    "bare": Bare(),
    "object": object(),
    "array": Array(),
    "decimal": decimal.Decimal("1.10"),
    "fraction": fractions.Fraction(1, 3),
    "complex": 1 + 2j,
    "date": datetime.date(2026, 1, 2),
    "uuid": uuid.UUID(int=5),
    "path": pathlib.PurePosixPath("/a/b"),
    "set": {1},
    "frozenset": frozenset({"a"}),
    "type": Point,
    "function": len,
    "exception": ValueError("x", 1),
    "iterator": map,
    "ellipsis": ...,
    "in a list": [Colour.RED, Bare(), {2}, decimal.Decimal(3)],
    "in a map": {"point": Point(3, 4), "bare": Bare()},
}

with tracer.start_as_current_span("odd") as span:
    for key, value in VALUES.items():
        span.set_attribute(key, value)
    span.add_event("event", VALUES)
    span.set_attributes(VALUES)
