"""A context that was captured, left, and attached again by hand, after others were left out of order."""

import asyncio
from collections.abc import Generator

from opentelemetry import context, trace

tracer = trace.get_tracer("again")


def traced(name: str) -> Generator[None, None, None]:
    with tracer.start_as_current_span(name):
        yield


def children(name: str) -> None:
    for number in (1, 2):
        with tracer.start_as_current_span(f"{name} {number}"):
            pass


before = context.attach(context.Context())
first, second = traced("first"), traced("second")
next(first)
next(second)
first.close()
second.close()
context.detach(before)

with tracer.start_as_current_span("request"):
    captured = context.get_current()
for name in ("called back", "called back again"):
    token = context.attach(captured)
    children(name)
    context.detach(token)
children("outside")


async def job(name: str) -> None:
    children(name)


async def outlives(number: int) -> None:
    await asyncio.sleep(0)
    for part in range(3):  # one after the other: their contexts may lie at the same place
        await asyncio.create_task(job(f"job {number}.{part}"))


async def request(number: int) -> "asyncio.Task[None]":
    with tracer.start_as_current_span(f"request {number}"):
        return asyncio.create_task(outlives(number))


async def main() -> None:
    for number in range(20):
        await (await asyncio.create_task(request(number)))


asyncio.run(main())
