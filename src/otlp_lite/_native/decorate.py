"""Functions that run in a span: plain Python, so that `inspect` sees what the decorated function was."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


def in_span(
    manager: Callable[[], AbstractContextManager[Any]],
    function: Callable[..., Any],
    within: Callable[[tuple[Any, ...], dict[str, Any]], Any] | None = None,
) -> Callable[..., Any]:
    """Wraps a function, sync or async, so that each call runs within a new manager.

    `within` calls a sync one so, when there is a quicker way. A generator function is wrapped as any other:
    the manager covers its call, not its body, as in the API.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with manager():
                return await function(*args, **kwargs)

        return run_async

    if within is not None:

        @functools.wraps(function)
        def run_within(*args: Any, **kwargs: Any) -> Any:
            return within(args, kwargs)

        return run_within

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with manager():
            return function(*args, **kwargs)

    return run
