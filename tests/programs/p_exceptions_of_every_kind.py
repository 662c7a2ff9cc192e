"""Exceptions that leave a span: built in, of a module, nested, chained, with and without arguments."""

import json
from collections.abc import Callable
from pathlib import Path

from opentelemetry import trace

tracer = trace.get_tracer("exceptions")
EMPTY: dict[str, int] = {}


class Base(Exception):
    class Nested(ValueError):
        """Its qualified name has a dot."""


class Elsewhere(Exception):
    pass


class Nowhere(Exception):
    pass


Elsewhere.__module__ = "some.package"
Nowhere.__module__ = ""


def local() -> None:
    class Local(Exception):
        pass

    raise Local("in a function")


def chained() -> None:
    try:
        EMPTY["missing"]
    except KeyError as error:
        raise RuntimeError("caused") from error


def during() -> None:
    try:
        raise KeyError("first")
    except KeyError:
        raising(TypeError("second"))()


def suppressed() -> None:
    try:
        int("x")
    except ValueError:
        raise TypeError("without context") from None


def raising(error: BaseException) -> Callable[[], None]:
    def throw() -> None:
        raise error

    return throw


def attempt(name: str, act: Callable[[], object]) -> None:
    try:
        with tracer.start_as_current_span(name):
            act()
    except Exception as error:
        print(name, type(error).__qualname__)


attempt("plain", raising(Exception("plain")))
attempt("no arguments", raising(Exception()))
attempt("two arguments", raising(Exception("one", 2)))
attempt("an object as argument", raising(Exception({"a": [1, None]})))
attempt("key error", lambda: EMPTY["missing"])
attempt("division", lambda: 1 // 0)
attempt("os error", lambda: Path("/nonexistent/path").stat())
attempt("decode error", lambda: b"\xff".decode())
attempt("json error", lambda: json.loads("{"))
attempt("stop iteration", lambda: [].__iter__().__next__())
attempt("assertion", raising(AssertionError("asserted")))
attempt("nested class", raising(Base.Nested("nested")))
attempt("another module", raising(Elsewhere("elsewhere")))
attempt("no module", raising(Nowhere("nowhere")))
attempt("local class", local)
attempt("chained", chained)
attempt("during", during)
attempt("suppressed", suppressed)
attempt("not ASCII", raising(ValueError("h\u00e9llo \u4f60\u597d \U0001f600")))
attempt("none", lambda: None)
