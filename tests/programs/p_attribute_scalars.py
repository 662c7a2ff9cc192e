"""Attributes of every scalar type, at their edges, by every way to set them."""

import enum
import math

from opentelemetry import trace
from opentelemetry.util.types import AnyValue

tracer = trace.get_tracer("scalars")


class Number(enum.IntEnum):
    FIVE = 5


class Flag(enum.IntFlag):
    A = 1
    B = 2


class Word(str, enum.Enum):
    HELLO = "hello"


class Text(str):
    def __str__(self) -> str:
        return "not this"


class Whole(int):
    def __str__(self) -> str:
        return "not this"


class Real(float):
    pass


class Octets(bytes):
    pass


VALUES: dict[str, AnyValue] = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    **{f"2**{bits}": 1 << bits for bits in (7, 14, 21, 28, 31, 32, 35, 42, 49, 56, 62)},
    "largest": (1 << 63) - 1,
    "smallest": -(1 << 63),
    "float": 0.1,
    "negative zero": -0.0,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "infinite": math.inf,
    "negative infinite": -math.inf,
    "not a number": math.nan,
    "whole float": 3.0,
    "empty text": "",
    "text": "text",
    "no bytes": b"",
    "bytes": bytes(range(256)),
    "int enum": Number.FIVE,
    "int flag": Flag.A | Flag.B,
    "str enum": Word.HELLO,
    "str subclass": Text("this"),
    "int subclass": Whole(7),
    "float subclass": Real(2.5),
    "bytes subclass": Octets(b"ab"),
}

with tracer.start_as_current_span("one by one") as span:
    for key, value in VALUES.items():
        span.set_attribute(key, value)
with tracer.start_as_current_span("at once") as span:
    span.set_attributes(VALUES)
with tracer.start_as_current_span("at the start", attributes=VALUES) as span:
    span.add_event("event", VALUES)
    span.add_link(span.get_span_context(), VALUES)
with tracer.start_as_current_span("replaced", attributes={"a": 1, "b": 2, "c": 3}) as span:
    span.set_attribute("a", "moved to the end")
    span.set_attributes({"b": None, "d": 4, "c": b"3"})
    span.set_attribute(key="e", value=5)
with tracer.start_as_current_span("nothing", attributes=None) as span:
    span.set_attributes({})
