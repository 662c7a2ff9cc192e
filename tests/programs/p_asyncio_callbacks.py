# concurrent
"""Callbacks of the event loop and work in its threads run in the context they were scheduled in."""

import asyncio
import contextvars

from opentelemetry import trace

tracer = trace.get_tracer("callbacks")


def note(name: str) -> None:
    with tracer.start_as_current_span(name):
        pass


async def main() -> None:
    loop = asyncio.get_running_loop()
    empty = contextvars.Context()
    with tracer.start_as_current_span("main"):
        loop.call_soon(note, "soon")
        loop.call_soon(lambda: note("soon in a lambda"), context=empty)
        future = loop.create_future()
        future.add_done_callback(lambda done: note(f"done {done.result()}"))
        await asyncio.to_thread(note, "thread")
        await loop.run_in_executor(None, note, "executor")
        with tracer.start_as_current_span("resolves"):
            future.set_result("well")
        await asyncio.sleep(0)
    await asyncio.sleep(0)


asyncio.run(main())
