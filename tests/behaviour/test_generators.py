"""Generators in a span of their own: theirs while their body runs, their consumer's never."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import sys
import types
import weakref
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from collecting import spans
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import StatusCode

from otlp_lite import traced
from otlp_lite.testing import Collected


def test_the_span_of_a_generator_is_current_only_while_its_body_runs(collected: Collected) -> None:
    tracer = collected.tracer_provider.get_tracer("t")
    log: list[Any] = []

    @traced("gen", tracer=tracer)
    def generator(count: int) -> Generator[Any, Any, str]:
        try:
            for number in range(count):
                log.append(trace.get_current_span())
                with tracer.start_as_current_span(f"inner {number}"):
                    log.append((yield trace.get_current_span()))
        finally:
            log.append(trace.get_current_span())
        return "returned"

    with tracer.start_as_current_span("consumer") as consumer:
        steps: Any = generator(2)
        assert inspect.isgeneratorfunction(generator) and not log
        first = next(steps)
        assert first.name == "inner 0" and trace.get_current_span() is consumer
        assert steps.send("sent").name == "inner 1" and trace.get_current_span() is consumer
        with pytest.raises(StopIteration) as stop:
            next(steps)
        assert stop.value.value == "returned" and trace.get_current_span() is consumer
    assert log[1] == "sent" and {log[0], log[2], log[4]} == {log[0]} and log[0].name == "gen"
    found = spans(collected)
    assert found["gen"].parent_span_id == found["consumer"].span_id
    assert found["inner 0"].parent_span_id == found["inner 1"].parent_span_id == found["gen"].span_id


def test_the_body_of_a_generator_finds_its_own_context_again(collected: Collected) -> None:
    """What it has entered or attached; and what is its consumer's, until it has."""
    tracer = collected.tracer_provider.get_tracer("t")
    seen: list[Any] = []

    def look() -> None:
        span: Any = trace.get_current_span()
        seen.append((span.name, baggage.get_baggage("of")))

    @traced("gen", tracer=tracer)
    def generator() -> Iterator[int]:
        yield 0
        look()
        with tracer.start_as_current_span("inner"):
            yield 1
            look()
            token = attach(baggage.set_baggage("of", "body"))
            yield 2
            look()
            detach(token)
            yield 3
            look()
        yield 4
        look()

    @traced("agen", tracer=tracer)
    async def asynchronous() -> AsyncIterator[int]:
        with tracer.start_as_current_span("inner"):
            yield 1
            await asyncio.sleep(0)
            look()
        yield 2
        look()

    def consume(step: int) -> None:
        assert not trace.get_current_span().is_recording() and baggage.get_baggage("of") == "consumer", step

    async def iterate() -> None:
        async for step in asynchronous():
            consume(step)

    token = attach(baggage.set_baggage("of", "consumer"))
    for step in generator():
        consume(step)
    asyncio.run(iterate())
    detach(token)
    assert seen == [
        ("gen", "consumer"),
        ("inner", "consumer"),
        ("inner", "body"),
        ("inner", "consumer"),
        ("gen", "consumer"),
        ("inner", "consumer"),
        ("agen", "consumer"),
    ]


def test_a_body_that_is_stepped_in_copies_of_the_context_does_not_stay_in_an_ended_span(
    collected: Collected,
) -> None:
    """As Starlette iterates in its pool of threads: what one step entered, none can reset in the next."""
    tracer = collected.tracer_provider.get_tracer("t")
    seen: list[Any] = []

    @traced("gen", tracer=tracer)
    def generator() -> Iterator[int]:
        with tracer.start_as_current_span("inner"):
            yield 1
            seen.append(trace.get_current_span())
        seen.append(trace.get_current_span())
        yield 2
        seen.append(trace.get_current_span())
        yield 3

    with tracer.start_as_current_span("request"):
        steps = generator()
        for _ in range(3):
            contextvars.copy_context().run(next, steps)
    assert [span.name for span in seen] == ["inner", "gen", "gen"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_thrown_into_a_generator_is_let_go(collected: Collected, asynchronous: bool) -> None:
    """Without the garbage collector."""
    tracer = collected.tracer_provider.get_tracer("t")

    @traced("gen", tracer=tracer)
    def generator() -> Iterator[int]:
        yield 1

    @traced("agen", tracer=tracer)
    async def generator_of_a_loop() -> AsyncIterator[int]:
        yield 1

    class Error(Exception):
        pass

    error: Any = Error()
    alive = weakref.ref(error)
    steps: Any = generator_of_a_loop() if asynchronous else generator()
    gc.disable()
    try:
        with suppress(StopIteration):  # which an async one's answer is
            (steps.asend(None) if asynchronous else steps).send(None)
        with suppress(Error):
            steps.athrow(error).send(None) if asynchronous else steps.throw(error)
        del error, steps
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_a_generator_has_yielded_is_let_go(collected: Collected, asynchronous: bool) -> None:
    """By whoever got it, while the generator waits."""
    tracer = collected.tracer_provider.get_tracer("t")

    class Item:
        pass

    @traced("gen", tracer=tracer)
    def generator() -> Iterator[Item]:
        yield Item()

    @traced("agen", tracer=tracer)
    async def generator_of_a_loop() -> AsyncIterator[Item]:
        yield Item()

    steps: Any = generator_of_a_loop() if asynchronous else generator()
    try:
        item = (steps.asend(None) if asynchronous else steps).send(None)
    except StopIteration as answer:
        item = answer.value
        answer.value = None
    alive = weakref.ref(item)
    del item
    assert alive() is None


@pytest.mark.parametrize("way", ["close", "throw", "raise"])
def test_a_generator_that_does_not_come_to_its_end(collected: Collected, way: str) -> None:
    @traced("gen", tracer=collected.tracer_provider.get_tracer("t"))
    def generator() -> Iterator[int]:
        yield 1
        raise ValueError("raised")

    steps: Any = generator()
    next(steps)
    if way == "close":
        steps.close()
    else:
        with pytest.raises(ValueError):
            steps.throw(ValueError("thrown")) if way == "throw" else next(steps)
    assert not trace.get_current_span().is_recording()
    span = spans(collected)["gen"]
    assert span.status.code == (0 if way == "close" else 2) and len(span.events) == (way != "close")


def test_the_span_of_an_async_generator_is_current_only_while_its_body_runs(collected: Collected) -> None:
    tracer = collected.tracer_provider.get_tracer("t")
    log: list[Any] = []

    @traced("agen", tracer=tracer)
    async def numbers() -> AsyncIterator[Any]:
        try:
            for _ in range(3):
                await asyncio.sleep(0)
                yield trace.get_current_span()
        finally:
            log.append(trace.get_current_span())

    async def main() -> None:
        with tracer.start_as_current_span("consumer") as consumer:
            async for inside in numbers():
                assert inside.name == "agen" and trace.get_current_span() is consumer
            early: Any = numbers()
            await early.asend(None)
            await early.aclose()
            thrown: Any = numbers()
            await thrown.asend(None)
            with pytest.raises(KeyError):
                await thrown.athrow(KeyError("thrown"))
            assert trace.get_current_span() is consumer

    asyncio.run(main())
    assert inspect.isasyncgenfunction(numbers) and [span.name for span in log] == ["agen"] * 3
    assert [span.status.status_code for span in log] == [StatusCode.UNSET, StatusCode.UNSET, StatusCode.ERROR]


def test_an_async_generator_that_the_loop_closes_is_closed_once(collected: Collected) -> None:
    """Its `finally` awaits, while the loop shuts its generators down: it knows of the outer one only."""
    tracer = collected.tracer_provider.get_tracer("t")
    log: list[Any] = []

    @traced("agen", tracer=tracer)
    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0.01)
            log.append("closed")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: log.append(context["message"]))
        hooks = sys.get_asyncgen_hooks()
        assert hooks.firstiter is not None
        kept.append(numbers())
        assert await kept[0].__anext__() == 1
        assert sys.get_asyncgen_hooks() == hooks  # the loop's own, for generators of others

    kept: list[Any] = []
    asyncio.run(main())
    assert log == ["closed"] and "agen" in spans(collected)


def test_a_generator_based_coroutine_can_be_awaited(collected: Collected) -> None:
    @traced("coroutine", tracer=collected.tracer_provider.get_tracer("t"))
    @types.coroutine
    def later() -> Generator[Any, Any, int]:
        yield from asyncio.sleep(0).__await__()
        return 3

    async def main() -> Any:
        return await later()

    assert asyncio.run(main()) == 3 and "coroutine" in spans(collected)
