"""In a group of tasks one failure cancels the others, and each span tells its own end."""

import asyncio
import builtins
import sys
from typing import Any

from opentelemetry import trace

GROUP: Any = getattr(builtins, "ExceptionGroup", ())
tracer = trace.get_tracer("groups")


async def fails(started: asyncio.Event) -> None:
    with tracer.start_as_current_span("fails"):
        await started.wait()
        raise LookupError("no such thing")


async def waits(started: asyncio.Event) -> None:
    with tracer.start_as_current_span("waits"):
        started.set()
        await asyncio.Event().wait()


async def by_hand() -> None:
    with tracer.start_as_current_span("group by hand", set_status_on_exception=False) as span:
        started = asyncio.Event()
        tasks = [asyncio.create_task(fails(started)), asyncio.create_task(waits(started))]
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in pending:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        span.set_attribute("outcomes", [type(outcome).__name__ for outcome in outcomes])


async def task_group() -> None:
    if sys.version_info >= (3, 11):
        started = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(fails(started))
            group.create_task(waits(started))


async def main() -> None:
    await by_hand()
    try:
        with tracer.start_as_current_span("task group", record_exception=False):
            await task_group()
    except GROUP as error:
        print(repr(error))


asyncio.run(main())
