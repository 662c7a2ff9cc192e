"""Exceptions: which handler takes what, as far as their names tell."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Container, Mapping
from typing import Final

from .names import UNKNOWN
from .run import CANCELLED, CLOSED, How, Raised
from .texts import last, written

Lines = Callable[[str], set[str]]
_CONTROL: Final = ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "BaseException")
"""Exceptions that `except Exception` passes by."""


_CANCELS: Final = ("anyio.get_cancelled_exc_class", "trio.Cancelled")
"""What anyio and trio call it."""


def caught(names: set[str], raised: Raised, line: Lines) -> tuple[bool | None, Raised | None]:
    """Whether who takes these classes takes an exception (None: who knows), and what of it goes on."""
    if "BaseException" in names:
        return True, None
    if raised.how is How.SUSPEND:
        may_be = {raised.name} if raised.name else {CANCELLED, CLOSED}
        left = may_be - names
        if not left:
            return True, None
        return True, raised if left == may_be else raised._replace(name=left.pop())
    if "Exception" in names:
        own = line(raised.name) if raised.name else set()
        beside = "BaseException" in own and not own & {"Exception", UNKNOWN}
        passes = raised.how is How.RAISE and (raised.name in _CONTROL or beside)
        return not passes, raised if passes else None
    if raised.how is not How.RAISE or raised.name is None:
        return True, raised._replace(how=How.CALL)
    own = line(raised.name)
    if raised.name in names or own & {_same(name) for name in names}:
        return True, None
    if UNKNOWN in own or any(UNKNOWN in line(name) for name in names):
        return None, raised
    return False, raised


def named(node: ast.expr, full: str | None, elsewhere: Container[str]) -> str:
    """What a class of exceptions is called here: with a dot where another module says which it is.

    `full`: its name, or that of the function that gives it, with its module's.
    """
    name = last(node)
    if full in _CANCELS:
        return CANCELLED
    if name == "Exception" or name in _CONTROL:
        return name
    if isinstance(node, ast.Attribute):
        return written(node)
    group = name in ("ExceptionGroup", "BaseExceptionGroup")  # `except*` takes it apart
    return f"{UNKNOWN}.{name}" if group or name in elsewhere else name


def handled(handler: ast.ExceptHandler, name: Callable[[ast.expr], str]) -> set[str]:
    """The classes that a handler names."""
    if handler.type is None:
        return {"BaseException"}
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return set(map(name, types))


def _same(name: str) -> str:
    """The name that a builtin class calls itself: IOError is OSError."""
    return str(getattr(getattr(builtins, name, None), "__name__", name))


def ancestry(module: Mapping[str, list[str]]) -> Lines:
    """Of an exception's class the names of it and its bases, by the module's own classes and the builtins."""

    def line(name: str) -> set[str]:
        found: set[str] = set()
        todo = [name]
        while todo:
            one = todo.pop()
            if one in found:
                continue
            found.add(one)
            builtin = getattr(builtins, one, None)
            if "." in one:  # another module's: not a builtin of the name
                found.add(UNKNOWN)
            elif one in module:
                todo += module[one]
            elif isinstance(builtin, type) and issubclass(builtin, BaseException):
                found |= {each.__name__ for each in builtin.__mro__}
            else:
                found.add(UNKNOWN)
        return found

    return line
