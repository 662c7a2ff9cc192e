"""Exceptions: which handler takes what, as far as their names tell."""

from __future__ import annotations

import ast
import builtins
from typing import Final

from .names import last
from .run import CANCELLED, CLOSED, How, Raised

_CONTROL: Final = ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "BaseException")
"""Exceptions that `except Exception` passes by."""


_CANCELS: Final = {"get_cancelled_exc_class": CANCELLED, "Cancelled": CANCELLED}
"""As anyio and trio call it."""


def caught(names: set[str], raised: Raised) -> tuple[bool, Raised | None]:
    """Whether who takes these classes may take an exception, and what of it may go on to the next."""
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
    if raised.name in names:
        return True, None
    own, others = _builtin(raised.name), [_builtin(name) for name in names]
    if own is not None and None not in others:
        taken = any(issubclass(own, other) for other in others if other is not None)
        return taken, None if taken else raised
    return True, None  # who knows what derives from what


def handled(handler: ast.ExceptHandler) -> set[str]:
    """The classes that a handler names, each by its last part."""
    if handler.type is None:
        return {"BaseException"}
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {_CANCELS.get(last(each), last(each)) for each in types}


def _builtin(name: str) -> type[BaseException] | None:
    found = getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
