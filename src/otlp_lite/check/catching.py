"""Exceptions: which handler takes what, as far as their names tell."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Container, Mapping
from typing import Final

from .names import UNKNOWN, last
from .run import CANCELLED, CLOSED, How, Raised

Lines = Callable[[str], set[str]]
_CONTROL: Final = ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "BaseException")
"""Exceptions that `except Exception` passes by."""


_CANCELS: Final = {"get_cancelled_exc_class": CANCELLED, "Cancelled": CANCELLED}
"""As anyio and trio call it."""


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
        passes = raised.how is How.RAISE and raised.name in _CONTROL
        return not passes, raised if passes else None
    if raised.how is not How.RAISE or raised.name is None:
        return True, raised._replace(how=How.CALL)
    own = line(raised.name)
    if raised.name in names or own & {_same(name) for name in names}:
        return True, None
    if UNKNOWN in own or any(UNKNOWN in line(name) for name in names):
        return None, raised
    return False, raised


def named(node: ast.expr, elsewhere: Container[str]) -> str:
    """What a class of exceptions is called here: with a dot where another module says which it is."""
    name = last(node)
    if name == "Exception" or name in _CONTROL or name in _CANCELS:
        return _CANCELS.get(name, name)
    if isinstance(node, ast.Attribute):
        return ast.unparse(node)
    group = name in ("ExceptionGroup", "BaseExceptionGroup")  # `except*` takes it apart
    return f"{UNKNOWN}.{name}" if group or name in elsewhere else name


def handled(handler: ast.ExceptHandler, elsewhere: Container[str]) -> set[str]:
    """The classes that a handler names."""
    if handler.type is None:
        return {"BaseException"}
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {named(each, elsewhere) for each in types}


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
