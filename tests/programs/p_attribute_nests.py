"""Attributes that are sequences and mappings, of one type, of many, nested, and changed afterwards."""

from collections import ChainMap, OrderedDict, UserList, deque
from types import MappingProxyType
from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("nests")


def deep(levels: int) -> Any:
    value: Any = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


VALUES: dict[str, Any] = {
    "strings": ["a", "b"],
    "integers": (1, 2, 3),
    "floats": [1.0, 2.5],
    "booleans": [True, False],
    "bytes": [b"a", b"\xff"],
    "nones": [None, None],
    "mixed": [1, "a", 2.5, True, None, b"x", [1], {"k": "v"}],
    "empty list": [],
    "empty tuple": (),
    "empty map": {},
    "map": {"a": 1, "b": {"c": [1, {"d": None}]}},
    "list of maps": [{"a": 1}, {}, {"b": 2}],
    "deep": deep(30),
    "long": list(range(1000)),
    "wide": {f"k{number}": number for number in range(200)},
    "range": range(5),
    "ordered": OrderedDict([("z", 1), ("a", 2)]),
    "chained": ChainMap({"a": 1}, {"b": 2}),
    "proxied": MappingProxyType({"a": 1}),
    "deque": deque([1, 2]),
    "user list": UserList([1, 2]),
    "bytearray": bytearray(b"ab"),
    "memoryview": memoryview(b"ab"),
}

with tracer.start_as_current_span("set") as span:
    for key, value in VALUES.items():
        span.set_attribute(key, value)
with tracer.start_as_current_span("at the start", attributes=VALUES) as span:
    span.add_event("event", VALUES)
changing: list[Any] = [1, [2], {"k": 3}]
with tracer.start_as_current_span("changed later", attributes={"list": changing}) as span:
    span.set_attribute("again", changing)
    changing[1].append(99)
    changing[2]["k"] = 99
    changing.append(99)
