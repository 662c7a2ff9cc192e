"""What attributes can hold: text at the edges of the kernels, every type of the wire, and foreign objects."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import random
import types
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

WIDTHS = ("ascii", "latin-1", "ucs-2", "ucs-4")

EDGES = tuple(
    sorted({size // unit + step for size in (16, 32, 64, 128) for unit in (1, 2, 4) for step in (-1, 0, 1)})
)
"""Lengths around 16, 32, 64 and 128 bytes, in characters of 1, 2 and 4 bytes."""

_ASCII = [chr(point) for point in range(0x80)]

_ALPHABETS: dict[str, tuple[tuple[int, int], ...]] = {
    "ascii": ((0x00, 0x7F),),
    "latin-1": ((0x80, 0xFF),),
    "ucs-2": ((0x100, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFC), (0xFFFE, 0xFFFF)),
    "ucs-4": ((0x10000, 0x10FFFF),),
}


def width_of(text: str) -> str:
    """How CPython stores `text`."""
    top = ord(max(text, default="\0"))
    return WIDTHS[(top > 0x7F) + (top > 0xFF) + (top > 0xFFFF)]


def make_text(width: str, length: int, rng: random.Random) -> str:
    """Text of that width and length (at least 1), without U+FFFD, which stands for lone surrogates."""

    def character(width: str) -> str:
        low, high = rng.choice(_ALPHABETS[width])
        return chr(rng.randint(low, high))

    text = rng.choices(_ASCII, k=length)
    narrower = WIDTHS[: WIDTHS.index(width) + 1]
    for place in rng.sample(range(length), int(length * rng.choice([0.0, 0.1, 1.0]))):
        text[place] = character(rng.choice(narrower))
    for place in {rng.choice([0, length - 1]), rng.randrange(length)}:
        text[place] = character(width)
    return "".join(text)


class Plain:
    """An object without a text of its own: it becomes null."""


class Shown:
    """An object that has a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class Represented:
    """An object whose only text is its repr."""

    def __repr__(self) -> str:
        return "<represented ü>"


class Indexable:
    """It could be an int; attributes do not ask."""

    def __index__(self) -> int:
        return 7


class Raising:
    """An object whose text cannot be had."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error("no text")


NotText = type("NotText", (), {"__doc__": "Its __str__ breaks its promise.", "__str__": lambda self: 7})


class Colour(str, enum.Enum):
    RED = "réd"


class Level(enum.IntEnum):
    HIGH = 2**40


class Flavour(enum.Enum):
    SOUR = 1


class Text(str):
    pass


class Number(int):
    pass


class Real(float):
    pass


class Blob(bytes):
    pass


class Point(NamedTuple):
    x: int
    y: str


INTEGERS = (
    0, 1, -1, 127, 128, 129, 16383, 16384, 2**21 - 1, 2**21, 2**28, 2**31 - 1, 2**31, -(2**31), 2**32, 2**35,
    2**42, 2**49, 2**53 + 1, 2**56, 2**62, 2**63 - 1, -(2**63),
)  # fmt: skip

TOO_LARGE = (2**63, -(2**63) - 1, 2**64, 2**100, -(2**200))

DOUBLES = (
    0.0,
    -0.0,
    1.5,
    -1e308,
    5e-324,
    2.2250738585072014e-308,
    math.inf,
    -math.inf,
    math.nan,
    -math.nan,
    1e16,
)

BYTES = (b"", b"\0", b"\xff\xfe", bytes(range(256)), b"x" * 127, b"x" * 128)

CONTAINERS: tuple[Callable[[], Any], ...] = (
    list,
    tuple,
    dict,
    lambda: [None],
    lambda: [1, 2, 3],
    lambda: (True, False),
    lambda: [1, True, 1.0, "1", b"1", None],
    lambda: [[1], [], [[b"x"]], {"a": (2.5,)}],
    lambda: {"a": 1, "b": {"c": [None, {"d": "e"}]}},
    lambda: {"": 1, None: 2, 0: 3, "kept": 4},
    lambda: {1: "a", 2.5: "b", ("t",): "c", False: "d", Shown("shown"): "e", Plain(): "f"},
    lambda: {1: "a", "1": "b", "x": "c"},
    lambda: range(3),
    lambda: bytearray(b"ab"),
    lambda: memoryview(b"cd"),
    lambda: array.array("d", [0.5, 1.5]),
    lambda: collections.deque([1, "two"]),
    lambda: collections.UserList([1, "two"]),
    lambda: Point(1, "y"),
    lambda: collections.OrderedDict(z=1, a=2),
    lambda: collections.UserDict({"user": "dict"}),
    lambda: collections.ChainMap({"front": 1}, {"back": 2}),
    lambda: types.MappingProxyType({"read": "only"}),
    lambda: collections.Counter("aab"),
)
"""Makers, so that no two calls share a container."""

SUBCLASSES = (Colour.RED, Level.HIGH, Text("téxt"), Number(-5), Real(2.5), Blob(b"blob"))

FOREIGN_TEXT = (
    Shown("shown"), Shown(""), Shown("x" * 40), Shown("€" * 17), Represented(), Flavour.SOUR,
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), datetime.date(2026, 1, 2), uuid.UUID(int=5),
    pathlib.PurePosixPath("/a/b"), 1 + 2j,
    frozenset({1}), {"one"}, int, Ellipsis, ValueError("as a value"), slice(1, 2),
)  # fmt: skip

FOREIGN_NULL = (Plain(), Indexable(), object())

HOSTILE = (Raising(RuntimeError), Raising(UnicodeError), NotText())

ODD_KEYS = (1, 0, 2.5, True, None, "", ("a", 1), Shown("as key"), Plain(), b"bytes", Flavour.SOUR)

SURROGATES = ("\ud800", "\udbff", "\udc00", "\udfff")


def with_surrogates(text: str, rng: random.Random) -> str:
    """`text` with lone surrogates, or two that would be a pair elsewhere, at some places."""
    for _ in range(rng.randint(1, 3)):
        place = rng.choice([0, len(text), rng.randint(0, len(text))])
        text = text[:place] + rng.choice([*SURROGATES, "\ud83d\ude00"]) + text[place:]
    return text


def nested(depth: int) -> Any:
    """Mappings and arrays in turn, `depth` of them."""
    value: Any = "core"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value
