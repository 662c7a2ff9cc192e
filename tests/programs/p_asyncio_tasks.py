"""A task starts below the span that was current when it was made, and keeps its own current span."""

import asyncio

from opentelemetry import trace

tracer = trace.get_tracer("tasks")


async def work(name: str, turns: int) -> str:
    with tracer.start_as_current_span(name) as span:
        for turn in range(turns):
            await asyncio.sleep(0)
            with tracer.start_as_current_span(f"{name} turn {turn}"):
                await asyncio.sleep(0)
        assert trace.get_current_span() is span
        return name


async def main() -> None:
    with tracer.start_as_current_span("gather"):
        print(await asyncio.gather(work("a", 2), work("b", 3), work("c", 1)))
    with tracer.start_as_current_span("create"):
        tasks = [asyncio.create_task(work(f"task {number}", 1)) for number in range(3)]
        with tracer.start_as_current_span("made later"):
            tasks.append(asyncio.create_task(work("inner task", 1)))
    with tracer.start_as_current_span("awaits"):
        for task in tasks:
            print(await task)
    outliving = asyncio.create_task(work("outlives", 4))
    await outliving


asyncio.run(main())
