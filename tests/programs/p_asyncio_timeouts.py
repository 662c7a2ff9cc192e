"""A timeout is no error of the span it cancels, and an error of the span it is raised in."""

import asyncio
import sys

from opentelemetry import trace

tracer = trace.get_tracer("timeouts")


async def slow() -> None:
    with tracer.start_as_current_span("slow"):
        await asyncio.Event().wait()


async def main() -> None:
    try:
        with tracer.start_as_current_span("wait_for", record_exception=False):
            await asyncio.wait_for(slow(), 0.01)
    except asyncio.TimeoutError as error:
        print("wait_for", repr(error))
    if sys.version_info >= (3, 11):
        try:
            with tracer.start_as_current_span("timeout", record_exception=False):
                async with asyncio.timeout(0.01):
                    await slow()
        except TimeoutError as error:
            print("timeout", repr(error))
    with tracer.start_as_current_span("in time"):
        await asyncio.wait_for(asyncio.sleep(0), 10)


asyncio.run(main())
