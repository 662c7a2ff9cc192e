"""Spans in async generators that are exhausted, closed, thrown into, or left to the event loop."""

import asyncio
from collections.abc import AsyncGenerator

from opentelemetry import trace

tracer = trace.get_tracer("generators")


async def numbers(name: str) -> AsyncGenerator[int, None]:
    with tracer.start_as_current_span(name) as span:
        for number in range(3):
            span.add_event(f"yields {number}")
            await asyncio.sleep(0)
            yield number
        span.set_attribute("exhausted", True)


async def exhausted() -> None:
    async for number in numbers("exhausted"):
        with tracer.start_as_current_span(f"gets {number}"):
            await asyncio.sleep(0)


async def closed() -> None:
    generator = numbers("closed")
    print(await generator.__anext__())
    await generator.aclose()


async def thrown_into() -> None:
    generator = numbers("thrown into")
    print(await generator.__anext__())
    try:
        await generator.athrow(KeyError("from outside"))
    except KeyError as error:
        print(repr(error))


async def left() -> None:
    print(await numbers("left to the loop").__anext__())


async def main() -> None:
    for coroutine in (exhausted, closed, thrown_into):
        with tracer.start_as_current_span(coroutine.__name__):
            await asyncio.create_task(coroutine())
    await asyncio.create_task(left())


asyncio.run(main())
with tracer.start_as_current_span("after the loop"):
    pass
