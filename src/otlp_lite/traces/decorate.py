"""`traced`: each call of a function in a span of its own."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from opentelemetry.context import Context, attach, detach, get_current, set_value
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation import _SPAN_KEY

from .._native import trace
from .._native.decorate import in_span

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, Any, Any] | staticmethod[Any, Any]")


@overload
def traced(function: F, /) -> F:
    """Decorates a function, with the defaults."""


@overload
def traced(
    name: str | None = None,
    /,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes = None,
    leaf: bool = False,
    tracer: trace.Tracer | None = None,
) -> Callable[[F], F]:
    """What decorates a function."""


def traced(
    name: Any = None,
    /,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes = None,
    leaf: bool = False,
    tracer: trace.Tracer | None = None,
) -> Any:
    """Decorates a function, method, coroutine, generator or async generator: each call is a span.

    The span is named by `__qualname__`, its scope by `__module__`, unless a name, as in `traced("name")`, and
    `tracer` say otherwise. Arguments and results are not recorded. That of a generator lasts from its first
    step to its end, and is current only while its body runs. A `leaf` never becomes current.
    """
    if name is not None and not isinstance(name, str):
        return _wrap(name, None, kind, attributes, leaf, tracer)
    return lambda function: _wrap(function, name, kind, attributes, leaf, tracer)


def _wrap(
    function: Any,
    name: str | None,
    kind: SpanKind,
    attributes: Attributes,
    leaf: bool,
    tracer: trace.Tracer | None,
) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        inner = _wrap(function.__func__, name, kind, attributes, leaf, tracer)
        return type(function)(inner)
    if not callable(function):
        raise TypeError(f"traced: expected a function or a name, not {function!r}")
    if inspect.isclass(function):
        raise TypeError(f"traced: {function!r} is a class; decorate its methods")
    name = str(name or getattr(function, "__qualname__", type(function).__qualname__))
    tracer = tracer or trace.get_tracer(getattr(function, "__module__", None) or "")
    if inspect.isasyncgenfunction(function):
        return _async_generator(function, name, kind, attributes, leaf, tracer)
    if inspect.isgeneratorfunction(function):
        wrapped = _generator(function, name, kind, attributes, leaf, tracer)
        awaitable = function.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE
        return types.coroutine(wrapped) if awaitable else wrapped
    if leaf:
        start = functools.partial(tracer.leaf, name, attributes, kind)
        return in_span(start, function)
    return tracer.start_as_current_span(name, kind=kind, attributes=attributes)(function)


class _Inside:
    """The context of a generator's body, current only while that runs.

    The consumer's, with the generator's span, until the body has entered one of its own.
    """

    def __init__(self, span: Any, leaf: bool) -> None:
        self._span = None if leaf else span
        self._own: Context | None = None

    def __enter__(self) -> None:
        if self._span is not None:
            self._entered = set_value(_SPAN_KEY, self._span) if self._own is None else self._own
            self._token = attach(self._entered)

    def __exit__(self, *_: object) -> None:
        if self._span is not None:
            if (now := get_current()) is not self._entered:
                self._own = now
            detach(self._token)


def _generator(
    function: Callable[..., Any],
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    leaf: bool,
    tracer: trace.Tracer,
) -> Any:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        body = function(*args, **kwargs)
        with tracer.leaf(name, attributes, kind) as span:
            inside = _Inside(span, leaf)
            step, sent = body.send, None
            while True:
                try:
                    with inside:
                        items = [step(sent)]
                except StopIteration as stop:
                    return stop.value
                finally:
                    sent = None  # what was thrown holds this frame
                try:
                    step, sent = body.send, (yield items.pop())  # kept here by no one
                except BaseException as error:
                    step, sent = body.throw, error

    return run


def _first_step(body: Any) -> Any:
    """Begins an async generator unknown to the loop, which closes the one around it, and that closes this."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return body.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _async_generator(
    function: Callable[..., Any],
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    leaf: bool,
    tracer: trace.Tracer,
) -> Any:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        body = function(*args, **kwargs)
        with tracer.leaf(name, attributes, kind) as span:
            inside = _Inside(span, leaf)
            step, sent = _first_step, body
            while True:
                try:
                    with inside:
                        items = [await step(sent)]
                except StopAsyncIteration:
                    return
                finally:
                    sent = None  # what was thrown holds this frame
                try:
                    step, sent = body.asend, (yield items.pop())  # kept here by no one
                except BaseException as error:
                    step, sent = body.athrow, error

    return run
