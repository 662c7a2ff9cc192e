"""A context that a program has got hold of stays what it was: the spans after it never take it for theirs."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation import set_span_in_context
from world import Ours

SPANS = 40
"""More than there are spare contexts."""

Look = Callable[[], "Context | None"]
"""Gives the captured context, or None when it is gone."""


def by_name(captured: Context) -> Look:
    return lambda: captured


def by_container(captured: Context) -> Look:
    held = [{"context": (captured,)}]
    return lambda: held[0]["context"][0]


def by_argument(captured: Context) -> Look:
    return functools.partial(lambda given: given, captured)


def by_copied_variables(captured: Context) -> Look:
    copied = contextvars.copy_context()
    return lambda: copied.run(context.get_current)


def by_token(captured: Context) -> Look:
    """The token of what is attached upon it."""
    token = context.attach(baggage.set_baggage("k", "v"))
    context.detach(token)
    return lambda: token.old_value


def by_token_not_detached(captured: Context) -> Look:
    token = context.attach(baggage.set_baggage("k", "v"))
    return lambda: token.old_value


def by_weak_reference(captured: Context) -> Look:
    return weakref.ref(captured)


def by_weak_set(captured: Context) -> Look:
    held: weakref.WeakValueDictionary[str, Context] = weakref.WeakValueDictionary({"context": captured})
    return lambda: held.get("context")


def by_exception(captured: Context) -> Look:
    """The frame of a traceback."""

    def fail(local: Context) -> None:
        raise ValueError

    try:
        fail(captured)
    except ValueError as error:
        kept = error
    return lambda: kept.__traceback__.tb_next.tb_frame.f_locals["local"]  # type: ignore[union-attr]


def by_generator(captured: Context) -> Look:
    def generate() -> Iterator[Context]:
        local = context.get_current()
        while True:
            yield local

    generator = generate()
    next(generator)
    return lambda: next(generator)


def by_thread(captured: Context) -> Look:
    """A thread that runs in a copy, and looks when it is told to."""
    ask, answered = threading.Event(), threading.Event()
    seen: list[Context] = []

    def work() -> None:
        ask.wait()
        seen.append(context.get_current())
        answered.set()

    threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()

    def look() -> Context:
        ask.set()
        answered.wait()
        return seen[0]

    return look


def by_task(captured: Context) -> Look:
    """A task that was made within the span, and runs when the span is long over."""
    loop = asyncio.new_event_loop()

    async def work() -> Context:
        return context.get_current()

    task = loop.create_task(work())

    def look() -> Context:
        if not task.done():
            loop.run_until_complete(task)
            loop.close()
        return task.result()

    return look


def by_call_soon(captured: Context) -> Look:
    loop = asyncio.new_event_loop()
    seen: list[Context] = []
    loop.call_soon(lambda: seen.append(context.get_current()))

    def look() -> Context:
        if not seen:
            loop.call_soon(loop.stop)
            loop.run_forever()
            loop.close()
        return seen[0]

    return look


def by_collector(captured: Context) -> Look:
    """Found among all objects, as debuggers and memory profilers do."""
    number = id(captured)
    (found,) = [one for one in gc.get_objects() if id(one) == number]
    return lambda: found


def by_attribute(captured: Context) -> Look:
    """A cycle through the context itself."""
    vars(captured)["me"] = captured
    return by_weak_reference(captured)


def by_view(captured: Context) -> Look:
    """No reference to the context, but to what it holds."""
    values = captured.values()
    return lambda: Context(zip(captured_keys, values, strict=True))


captured_keys = tuple(set_span_in_context(trace.INVALID_SPAN))

WAYS = [
    by_name, by_container, by_argument, by_copied_variables, by_token, by_token_not_detached,
    by_weak_reference, by_weak_set, by_exception, by_generator, by_thread, by_task, by_call_soon,
    by_collector, by_attribute, by_view,
]  # fmt: skip


@pytest.fixture
def world() -> Iterator[Ours]:
    world = Ours()
    token = context.attach(Context())
    yield world
    context.detach(token)
    world.settle()


def churn(world: Ours) -> None:
    """As many spans, deep and flat, as may take every spare context."""

    def down(depth: int) -> None:
        with world.current("churn"):
            if depth:
                down(depth - 1)

    for _ in range(3):
        down(SPANS)
    for _ in range(SPANS):
        with world.current("churn"):
            pass


def capture(world: Ours, way: Callable[[Context], Look]) -> tuple[Look, int]:
    """A span's context, captured within it, and the id of the span."""
    with world.current("captured") as span:
        look = way(context.get_current())
    return look, span.get_span_context().span_id


def says(look: Look) -> int | None:
    """The span that a captured context says, if it still is."""
    found = look()
    return None if found is None else trace.get_current_span(found).get_span_context().span_id


def check(captured: list[tuple[Look, int]]) -> int:
    """Each still says its span, or is gone. How many there are."""
    there = [(says(look), number) for look, number in captured]
    assert all(said in (None, number) for said, number in there), there
    return sum(said is not None for said, _ in there)


@pytest.mark.parametrize("left_out_of_order", [False, True])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_captured_context_says_its_span_for_ever(
    world: Ours, way: Callable[[Context], Look], left_out_of_order: bool
) -> None:
    if left_out_of_order:
        leave_out_of_order(world)
    captured = [capture(world, way) for _ in range(SPANS)]
    check(captured)
    for _ in range(3):
        churn(world)
        gc.collect()
        there = check(captured)
        assert there in (0, SPANS)
        assert there == SPANS or "weak" in way.__name__ or way is by_attribute


def leave_out_of_order(world: Ours) -> None:
    outer, inner = world.current("outer"), world.current("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)


def test_a_captured_context_holds_what_it_held_and_nothing_else(world: Ours) -> None:
    """Left in order and out of order, with baggage and without: equal to what it was, key by key."""
    captured: list[tuple[Context, dict[str, object]]] = []

    def keep() -> None:
        captured.append((context.get_current(), dict(context.get_current())))

    for number in range(SPANS):
        with world.current("outer"):
            keep()
            token = context.attach(baggage.set_baggage("n", str(number)))
            keep()
            with world.current("inner"):
                keep()
            context.detach(token)
        managers = [world.current(f"manager {n}") for n in range(4)]
        for manager in managers:
            manager.__enter__()
            keep()
        for manager in managers:
            manager.__exit__(None, None, None)
    churn(world)
    assert len({id(one) for one, _ in captured}) == len(captured)
    for one, was in captured:
        assert dict(one) == was and one == was


def test_a_captured_context_lives_only_as_long_as_it_is_captured(world: Ours) -> None:
    captured = [capture(world, by_name) for _ in range(SPANS)]
    references = [weakref.ref(look()) for look, _ in captured]
    captured.clear()
    churn(world)
    gc.collect()
    assert [reference() for reference in references] == [None] * SPANS


def test_spans_are_dropped_with_their_contexts(world: Ours) -> None:
    """A spare context holds no span."""
    references = []
    for _ in range(SPANS):
        with world.tracer.start_as_current_span("dropped") as span:
            world.begun.append(span.get_span_context().span_id)
            references.append(weakref.ref(span))
    del span
    assert [reference() for reference in references] == [None] * SPANS


def test_a_context_that_changed_is_noticed(world: Ours) -> None:
    """What reuse without care would do."""
    captured: list[tuple[Look, int]] = [capture(world, by_name) for _ in range(2)]
    assert check(captured) == 2
    kept: Any = captured[0][0]()
    dict.__setitem__(kept, captured_keys[0], world.span)
    with pytest.raises(AssertionError):
        check(captured)


def test_many_threads_capture_and_churn_at_once(world: Ours) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    wrong: list[object] = []

    def work() -> None:
        held: list[tuple[Look, int]] = []
        for number in range(400):
            with world.tracer.start_as_current_span("outer") as outer:
                if number % 3 == 0:
                    held.append((by_name(context.get_current()), outer.get_span_context().span_id))
                with world.tracer.start_as_current_span("inner") as inner:
                    if number % 5 == 0:
                        held.append(
                            (by_weak_reference(context.get_current()), inner.get_span_context().span_id)
                        )
            world.begun.extend(span.get_span_context().span_id for span in (outer, inner))
        try:
            check(held)
        except AssertionError as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert wrong == []


def test_what_a_copy_of_the_context_leaves_out_of_order_is_skipped_there(world: Ours) -> None:
    """What entered them elsewhere goes on in them."""
    outer, inner = world.current("outer"), world.current("inner")
    seen: list[object] = []

    def leave() -> None:
        for manager in (outer, inner):
            manager.__exit__(None, None, None)
            seen.append(trace.get_current_span())

    before = trace.get_current_span()
    outer.__enter__()
    entered = inner.__enter__()
    contextvars.copy_context().run(leave)
    assert seen == [entered, before]
    assert trace.get_current_span() is entered
