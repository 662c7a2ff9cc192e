"""What a `with` statement asks of spans and their managers: methods that are not CPython's own."""

from __future__ import annotations

import contextlib
import types
import weakref
from typing import Any

import pytest
from opentelemetry import trace
from scripted import Start

NOWHERE = "http://127.0.0.1:1"


def tracer_of(start: Start, sampler: str) -> Any:
    """Untyped: its spans are used as no type checker would let them be."""
    return start(NOWHERE, sampler=sampler).tracer_provider.get_tracer("test")


@pytest.mark.parametrize("sampler", ["always_on", "always_off"])
@pytest.mark.parametrize("maker", ["start_as_current_span", "start_span"])
def test_they_answer_as_bound_methods_do(start: Start, sampler: str, maker: str) -> None:
    make = getattr(tracer_of(start, sampler), maker)
    made = make("span")
    entering, leaving = made.__enter__, made.__exit__
    for method, name in ((entering, "__enter__"), (leaving, "__exit__")):
        assert method.__name__ == name and method.__self__ is made and callable(method)
        assert isinstance(method, types.BuiltinMethodType) and name in repr(method)
        assert method == getattr(made, name) and hash(method) == hash(getattr(made, name))
        assert method != getattr(make("other"), name) and method != name
        assert getattr(type(made), name).__name__ == name
        with pytest.raises(AttributeError):
            getattr(method, name.strip("_"))
    assert entering != leaving
    for arguments, named in (((1,), {}), ((), {"argument": 1})):
        with pytest.raises(TypeError, match="__enter__"):
            entering(*arguments, **named)
    with pytest.raises(TypeError, match="__exit__"):
        leaving(None)
    entering()
    leaving(None, error=None, traceback=None)


def test_they_are_of_their_class_alone(start: Start) -> None:
    made = tracer_of(start, "always_on").start_span("span")
    for name in ("__enter__", "__exit__"):
        with pytest.raises(TypeError, match="doesn't apply to a 'int' object"):
            vars(type(made))[name].__get__(42, int)


def test_they_hold_what_they_are_of_and_no_longer(start: Start) -> None:
    tracer = tracer_of(start, "always_on")
    spans = [tracer.start_span("span") for _ in range(100)]  # more than are kept for the next
    references = [weakref.ref(span) for span in spans]
    methods = [span.__exit__ for span in spans]
    del spans
    assert all(reference() is not None for reference in references)
    while methods:
        methods.pop()(None, None, None)
    assert all(reference() is None for reference in references)


def test_an_exit_stack_asks_the_class_for_them(start: Start) -> None:
    tracer = tracer_of(start, "always_on")
    with contextlib.ExitStack() as stack:
        span = stack.enter_context(tracer.start_as_current_span("span"))
        assert trace.get_current_span() is span
        leaf = stack.enter_context(tracer.leaf("leaf"))
        assert leaf.is_recording()
    assert not leaf.is_recording() and not span.is_recording()
    assert trace.get_current_span() is trace.INVALID_SPAN
