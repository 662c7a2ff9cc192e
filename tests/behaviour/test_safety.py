"""Whatever a program's code does wherever the tracer runs it: no crash, each span exported once."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
from hooks import HOOKS, PROGRAM, UNRAISABLE, Hook
from opentelemetry import context
from stock import Stock
from world import Deed, Ours, World

AnyWorld = TypeVar("AnyWorld", Ours, Stock)

# ---- Deeds ----


def trace(world: World) -> None:
    with world.current("nested", attributes={"a": 1, "b": ["x", 2.5]}) as span:
        span.add_event("event", {"c": True})
        world.begin("leaf").set_attribute("d", "é" * 40)


def write(world: World) -> None:
    """Makes the live span's block move."""
    if world.acted > 20:
        return  # a span may become too large to keep
    for number in range(60):
        world.span.set_attribute(f"written {number}", "x" * 100)
    world.span.add_event("written", {"large": "y" * 20_000})


def end(world: World) -> None:
    world.span.end()


def rename(world: World) -> None:
    assert world.span.get_span_context().is_valid
    world.span.update_name("renamed")
    str(world.span)


def recurse(world: World) -> None:
    world.again(world)


def collect(world: World) -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    del cycle
    gc.collect()


def flush(world: World) -> None:
    world.provider.force_flush(1000)


def take_tracers(world: World) -> None:
    for number in range(3):
        tracer = world.provider.get_tracer("taken", str(number), attributes={"n": number})
        world.begun.append(span_id(tracer))


def span_id(tracer: Any) -> int:
    with tracer.start_as_current_span("taken") as span:
        number: int = span.get_span_context().span_id
    return number


def leave_attached(world: World) -> None:
    """Attaches, and does not detach."""
    context.attach(context.set_value("left", world.acted))


def switch(world: World) -> None:
    """Lets other threads record."""
    thread = threading.Thread(target=trace, args=(world,))
    thread.start()
    thread.join()
    time.sleep(0)


def let_go(world: World) -> None:
    world.replace()


DEEDS = [
    trace, write, end, rename, recurse, collect, flush, take_tracers, leave_attached, switch, let_go,
]  # fmt: skip


@pytest.fixture
def outside() -> Iterator[None]:
    """The context as it was, whatever a deed attached."""
    token = context.attach(context.Context())
    yield
    context.detach(token)


def plugged(kind: type[AnyWorld], hook: Hook) -> AnyWorld:
    """A world in which the hook is plugged in."""
    made: list[World] = []

    def act() -> None:
        if made:
            made[0].act()

    world = kind(**{name: setting(act) for name, setting in hook.settings.items()})
    made.append(world)
    world.again = hook.call
    return world


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
@pytest.mark.parametrize("hook", HOOKS, ids=str)
def test_user_code_may_do_anything_anywhere(hook: Hook, deed: Deed, outside: None) -> None:
    world = plugged(Ours, hook)
    world.deed = deed
    hook.call(world)
    assert world.acted > 0
    world.settle()


# ---- What it raises ----


class Oops(Exception):
    """What user code raises."""


class Stop(BaseException):
    """As KeyboardInterrupt."""


def oops(world: World) -> None:
    raise Oops


def stop(world: World) -> None:
    raise Stop


def raised(hook: Hook, world: World) -> type[BaseException] | None:
    """What the program sees of it."""
    try:
        hook.call(world)
    except (Oops, Stop) as error:
        return type(error)
    return None


@pytest.mark.parametrize("hook", HOOKS, ids=str)
def test_what_it_raises_ends_there_or_would_reach_the_program_in_the_stock_sdk_too(
    hook: Hook, outside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: unraisable.append(args.exc_type))
    world = plugged(Ours, hook)
    world.deed = oops
    assert raised(hook, world) is (Oops if hook.raised == PROGRAM else None)
    assert world.acted > 0
    assert (Oops in unraisable) == (hook.raised == UNRAISABLE)
    world.settle()
    if hook.raised == PROGRAM:
        stock = plugged(Stock, hook)
        stock.deed = oops
        assert raised(hook, stock) is Oops


@pytest.mark.parametrize("hook", HOOKS, ids=str)
def test_an_interrupt_is_not_swallowed_and_costs_no_span(
    hook: Hook, outside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda args: None)
    world = plugged(Ours, hook)
    world.deed = stop
    assert raised(hook, world) is (None if hook.raised == UNRAISABLE else Stop)
    world.settle()


# ---- The account itself ----


def test_a_span_that_is_lost_or_doubled_is_noticed() -> None:
    spoils: list[Deed] = [
        lambda world: world.begun.append(1),
        lambda world: world.tracer.start_span("uncounted").end(),
    ]
    for spoil in spoils:
        world = Ours()
        spoil(world)
        with pytest.raises(AssertionError):
            world.settle()
