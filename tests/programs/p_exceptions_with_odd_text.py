"""Exceptions whose text is long, empty, foreign, or of a type of its own."""

from collections.abc import Callable

from opentelemetry import trace

tracer = trace.get_tracer("odd")


class Silent(Exception):
    def __str__(self) -> str:
        return ""


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
attempt("own", Own)
attempt("counts", Counts)
attempt("long", lambda: ValueError("x" * 50_000))
attempt("line ends", lambda: ValueError("a\nb\r\n\tc\x00d"))
attempt("wide", lambda: ValueError("\u00ff\u0100\uffff\U0010ffff"))
print(Counts.calls > 0)
