"""A decorated coroutine function has a new span each call, which lasts as long as the call."""

import asyncio
import inspect

from opentelemetry import trace

tracer = trace.get_tracer("decorators")


@tracer.start_as_current_span("countdown")
async def countdown(number: int) -> int:
    """Counts down."""
    trace.get_current_span().add_event(f"at {number}")
    await asyncio.sleep(0)
    if number:
        await countdown(number - 1)
    trace.get_current_span().set_attribute("number", number)
    return number


@tracer.start_as_current_span("fails")
async def fails() -> None:
    await asyncio.sleep(0)
    raise LookupError("failed")


@tracer.start_as_current_span("waits")
async def waits() -> None:
    await asyncio.Event().wait()


class Service:
    @tracer.start_as_current_span("method")
    async def method(self, name: str) -> str:
        await asyncio.sleep(0)
        trace.get_current_span().set_attribute("name", name)
        return name


async def main() -> None:
    print(inspect.iscoroutinefunction(countdown), countdown.__name__, countdown.__doc__)
    print(await countdown(2))
    with tracer.start_as_current_span("several at once"):
        print(
            await asyncio.gather(*(Service().method(name) for name in "abc"), fails(), return_exceptions=True)
        )
    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    print(await asyncio.gather(task, return_exceptions=True))
    never_awaited = countdown(9)
    never_awaited.close()


asyncio.run(main())
