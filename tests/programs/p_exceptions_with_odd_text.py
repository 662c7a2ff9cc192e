"""Exceptions whose text is long, empty, foreign, not a string or not to be had."""

from collections.abc import Callable
from typing import Any

from opentelemetry import trace

tracer = trace.get_tracer("odd")
FIVE = 5


class Silent(Exception):
    def __str__(self) -> str:
        return ""


class Raises(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class NotText(Exception):
    def __str__(self) -> Any:
        return FIVE


class Subclass(str):
    pass


class Own(Exception):
    def __str__(self) -> str:
        return Subclass("a str of its own")


class Counts(Exception):
    calls = 0

    def __str__(self) -> str:
        Counts.calls += 1
        return "counted"


def attempt(name: str, make: Callable[[], Exception]) -> None:
    try:
        with tracer.start_as_current_span(name):
            raise make()
    except Exception as error:
        print(name, type(error).__name__)


attempt("silent", Silent)
attempt("raises", Raises)
attempt("not text", NotText)
attempt("own", Own)
attempt("counts", Counts)
attempt("long", lambda: ValueError("x" * 50_000))
attempt("line ends", lambda: ValueError("a\nb\r\n\tc\x00d"))
attempt("wide", lambda: ValueError("\u00ff\u0100\uffff\U0010ffff"))
print(Counts.calls > 0)
try:
    with tracer.start_span("raises, bare"):
        raise Raises("bare")
except Exception as error:
    print(type(error).__name__)
