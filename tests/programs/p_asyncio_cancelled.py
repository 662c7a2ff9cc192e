"""A cancelled task ends its spans without an error: CancelledError is no Exception."""

import asyncio

from opentelemetry import trace

tracer = trace.get_tracer("cancel")


async def wait_forever(entered: asyncio.Event) -> None:
    with tracer.start_as_current_span("waits"), tracer.start_as_current_span("waits deeper"):
        entered.set()
        await asyncio.Event().wait()


async def cleans_up(entered: asyncio.Event) -> None:
    with tracer.start_as_current_span("cleans up") as span:
        try:
            entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            span.add_event("cancelled")
            with tracer.start_as_current_span("cleaning"):
                await asyncio.sleep(0)
            raise


async def resists(entered: asyncio.Event) -> str:
    with tracer.start_as_current_span("resists"):
        try:
            entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "went on"
        return "never"


async def bare(entered: asyncio.Event) -> None:
    with tracer.start_span("bare span"):
        entered.set()
        await asyncio.Event().wait()


async def main() -> None:
    with tracer.start_as_current_span("main"):
        for coroutine in (wait_forever, cleans_up, resists, bare):
            entered = asyncio.Event()
            task = asyncio.create_task(coroutine(entered))
            await entered.wait()
            task.cancel()
            try:
                print(coroutine.__name__, await task)
            except asyncio.CancelledError:
                print(coroutine.__name__, "cancelled")
        never_ran = asyncio.create_task(wait_forever(asyncio.Event()))
        never_ran.cancel()
        print(await asyncio.gather(never_ran, return_exceptions=True))


asyncio.run(main())
